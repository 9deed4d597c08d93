"""The graph as plain mappings, held against slow and obvious ways to say the same."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nexus_core.domain.graph import find_cycles, find_path, longest_chain, topological_order

NODES = list(range(8))
graphs = st.fixed_dictionaries({node: st.lists(st.sampled_from(NODES), unique=True, max_size=4) for node in NODES})
acyclic = st.fixed_dictionaries(
    {node: st.lists(st.sampled_from(NODES[:node]), unique=True) if node else st.just([]) for node in NODES}
)


def reachable(start, edges):
    """All that can be reached by one step or more."""
    seen, front = set(), list(edges.get(start, ()))
    while front:
        node = front.pop()
        if node not in seen:
            seen.add(node)
            front += edges.get(node, ())
    return seen


@given(graphs, st.sampled_from(NODES), st.sampled_from(NODES))
def test_a_path_is_found_exactly_when_there_is_one(edges, start, goal):
    """It begins and ends where it should, and each step is an edge."""
    path = find_path(start, goal, edges)

    assert (path is not None) is (start == goal or goal in reachable(start, edges))
    assert path is None or (start, goal) == (path[0], path[-1])
    assert all(there in edges[here] for here, there in pairwise(path or ()))


@given(graphs)
def test_the_order_puts_each_node_behind_what_it_points_to(edges):
    """What a cycle holds back is left over, and nothing else."""
    order, stuck = topological_order(NODES, edges)
    place = {node: index for index, node in enumerate(order)}

    assert sorted(NODES) == sorted(order + stuck)
    assert all(place[there] < place[node] for node in order for there in edges[node])
    assert set(stuck) == {n for n in NODES if any(m in reachable(m, edges) for m in reachable(n, edges) | {n})}


@given(graphs)
def test_dropping_what_each_cycle_names_leaves_none(edges):
    """Every cycle is a real one, ends where it began, and the graph is acyclic afterwards."""
    left = {node: list(there) for node, there in edges.items()}
    for path, (node, there) in find_cycles(NODES, edges):
        assert path[0] == path[-1]
        assert all(b in edges[a] for a, b in pairwise(path))
        assert (node, there) in list(pairwise(path))

        left[node].remove(there)

    assert [] == topological_order(NODES, left)[1]


@given(acyclic)
def test_an_acyclic_graph_has_no_cycles(edges):
    """Nothing is dropped without need."""
    assert [] == find_cycles(NODES, edges)


def test_only_what_may_be_dropped_is_dropped():
    """An import leaves older dependencies alone."""
    cycles = find_cycles([1, 2, 3], {1: [2], 2: [3], 3: [1]}, lambda node, there: (node, there) == (1, 2))

    assert [(1, 2)] == [edge for _, edge in cycles]


@given(acyclic)
def test_the_longest_chain_is_a_chain_and_none_is_longer(edges):
    """From what depends on nothing to what nothing depends on."""
    chain = longest_chain(NODES, edges)

    def depth(node):
        return 1 + max((depth(there) for there in edges[node]), default=0)

    assert max(depth(node) for node in NODES) == len(chain)
    assert all(before in edges[after] for before, after in pairwise(chain))


def test_no_tasks_make_no_chain():
    """The empty graph has an empty answer."""
    assert () == longest_chain([], {})


@given(graphs)
def test_a_longest_chain_is_found_beside_cycles_too(edges):
    """Old data may hold a cycle; the answer leaves it out instead of running for ever."""
    assert set(longest_chain(NODES, edges)) <= set(topological_order(NODES, edges)[0])
