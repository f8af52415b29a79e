"""What the processes of the shop have in common."""
