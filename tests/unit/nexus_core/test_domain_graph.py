"""The graph as plain mappings, held against slow and obvious ways to say the same."""

import time
from itertools import pairwise

import pytest
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


@pytest.mark.parametrize("large", [0, 1000])
@given(edges=graphs, fixed=st.sets(st.sampled_from(NODES), max_size=3))
def test_dropping_what_each_cycle_names_leaves_none(large, edges, fixed):
    """Every cycle is a real one and ends with what is dropped; nothing is dropped that could stay."""
    edges = {node: [to for to in there if node not in fixed or to < node] for node, there in edges.items()}
    left = {node: list(there) for node, there in edges.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nexus_core.domain.graph._LARGE_KNOT", large)
        cycles = find_cycles(NODES, edges, lambda node, there: node not in fixed)
    for path, (node, there) in cycles:
        assert path[0] == path[-1]
        assert all(b in edges[a] for a, b in pairwise(path))
        assert (node, there) == path[-2:] and node not in fixed

        left[node].remove(there)

    assert [] == topological_order(NODES, left)[1]
    assert all(node == there or node in reachable(there, left) for _, (node, there) in cycles)


@given(acyclic)
def test_an_acyclic_graph_has_no_cycles(edges):
    """Nothing is dropped without need."""
    assert [] == find_cycles(NODES, edges)


def test_of_a_cycle_rather_the_step_to_a_later_task_is_dropped():
    """Tasks are numbered as they can be done, so that one is likelier the mistake."""
    assert [((5, 3, 1, 5), (1, 5))] == find_cycles([1, 3, 5], {1: [5], 3: [1], 5: [3]})


@pytest.mark.parametrize(
    "edges",
    [
        {node: [node ^ 1] for node in range(20_000)},
        {node: [(node + 1) % 20_000] for node in range(20_000)},
        {node: [node * 7919 % 2_003, node * 104_729 % 2_003] for node in range(2_003)},
    ],
    ids=["pairs", "ring", "knot"],
)
def test_many_cycles_are_found_in_seconds(edges):
    """An import must not hold everybody up because a file is badly broken."""
    start = time.perf_counter()
    cycles = find_cycles(list(edges), edges)

    assert cycles
    assert time.perf_counter() - start < 20  # 40 times what it takes; it was minutes when each search began anew


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
