"""Reads configurations as supervisord does: each argument is one; each line of the output is what became of it, as JSON."""

import json
import shlex
import sys

from supervisor.options import ServerOptions

for path in sys.argv[1:]:
    options = ServerOptions()
    options.realize(["-c", path])
    problems = options.parse_criticals + options.parse_warnings
    # Whoever tests as root has nobody else to be.
    problems = [problem for problem in problems if "running as root" not in problem]
    programs = {
        program.name: {
            "group": group.name,
            "argv": shlex.split(program.command),
            "directory": program.directory,
            "environment": program.environment,
        }
        for group in options.process_group_configs
        for program in group.process_configs
    }
    print(json.dumps({"problems": problems, "programs": programs}))
