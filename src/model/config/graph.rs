//! Who waits for whom, and circles in that.

/// Every way along `edges` that comes back to where it began, once: the nodes in order, the first not repeated.
///
/// Of circles that share a way at least one is found; whoever breaks it is told of the next. No recursion: a chain may be as long as a file.
pub(super) fn circles(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut is_done = vec![false; edges.len()];
    // Where on the way a node is.
    let mut place = vec![None; edges.len()];
    let mut circles = Vec::new();
    for start in 0..edges.len() {
        // The way from `start`: a node, and which of its edges comes next.
        let mut way: Vec<(usize, usize)> = Vec::new();
        let mut next = (!is_done[start]).then_some(start);
        loop {
            if let Some(node) = next.take() {
                place[node] = Some(way.len());
                way.push((node, 0));
            }
            let Some((node, edge)) = way.last_mut() else { break };
            if let Some(target) = edges[*node].get(*edge).copied() {
                *edge += 1;
                match place[target] {
                    Some(at) => circles.push(way[at..].iter().map(|(node, _)| *node).collect()),
                    None if is_done[target] => {}
                    None => next = Some(target),
                }
            } else {
                is_done[*node] = true;
                place[*node] = None;
                way.pop();
            }
        }
    }
    circles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_once_and_a_diamond_is_none() {
        for (edges, expected) in [
            (&[&[1][..], &[2], &[]][..], &[][..]),
            (&[&[1, 2], &[3], &[3], &[]], &[]),
            (&[&[1], &[0]], &[&[0, 1][..]]),
            (&[&[1], &[2], &[0], &[0]], &[&[0, 1, 2]]),
            (&[&[], &[2], &[3], &[2]], &[&[2, 3]]),
            (&[&[1], &[0, 2], &[3], &[2]], &[&[0, 1], &[2, 3]]),
        ] {
            let edges: Vec<Vec<usize>> = edges.iter().map(|targets| targets.to_vec()).collect();
            assert_eq!(circles(&edges), expected, "{edges:?}");
        }
    }

    #[test]
    fn a_long_chain_takes_no_stack() {
        let chain: Vec<Vec<usize>> = (0..20_000).map(|node| vec![(node + 1) % 20_000]).collect();
        assert_eq!(circles(&chain).len(), 1);
    }
}
