package meta

import (
	"cmp"
	"maps"
	"slices"
	"testing"
)

// checkBalance verifies order, sizes and the balance of every node, and returns the height.
func checkBalance(t *testing.T, n *node[int, int]) int {
	t.Helper()
	if n == nil {
		return 0
	}
	if n.left != nil && n.left.key >= n.key || n.right != nil && n.right.key <= n.key {
		t.Fatalf("key %d is out of order", n.key)
	}
	if n.size != n.left.len()+n.right.len()+1 {
		t.Fatalf("key %d: size %d of children %d and %d", n.key, n.size, n.left.len(), n.right.len())
	}
	if l, r := n.left.len()+1, n.right.len()+1; l > 3*r || r > 3*l {
		t.Fatalf("key %d is out of balance: %d and %d", n.key, n.left.len(), n.right.len())
	}
	return 1 + max(checkBalance(t, n.left), checkBalance(t, n.right))
}

// pairsOf lists a tree.
func pairsOf(tr tree[int, int]) [][2]int {
	var pairs [][2]int
	for k, v := range tr.all() {
		pairs = append(pairs, [2]int{k, v})
	}
	return pairs
}

// TestTreeAgainstMap puts and drops random keys in a tree and in Go's map, and compares the two, all the older trees
// too.
func TestTreeAgainstMap(t *testing.T) {
	type version struct {
		tree tree[int, int]
		twin map[int]int
	}
	for seed := range uint64(12) {
		draw := stream(seed)
		now := version{newTree[int, int](cmp.Compare[int]), map[int]int{}}
		var kept []version
		keys := 2 + draw.below(400)
		for step := range 600 {
			key := draw.below(keys)
			now.twin = maps.Clone(now.twin)
			if draw.below(5) < 3 {
				now.tree, now.twin[key] = now.tree.put(key, step), step
			} else {
				now.tree = now.tree.drop(key)
				delete(now.twin, key)
			}
			checkBalance(t, now.tree.root)
			want, there := now.twin[key]
			if v, ok := now.tree.get(key); ok != there || v != want {
				t.Fatalf("seed %d step %d: key %d is %d, %v, expected %d, %v", seed, step, key, v, ok, want, there)
			}
			if step%37 == 0 {
				kept = append(kept, now)
			}
		}
		for _, v := range append(kept, now) {
			compareTree(t, v.tree, v.twin, draw.below(keys))
		}
	}
}

// compareTree compares a tree with its twin, whole and from one key on.
func compareTree(t *testing.T, tr tree[int, int], twin map[int]int, from int) {
	t.Helper()
	var all, tail [][2]int
	for _, k := range slices.Sorted(maps.Keys(twin)) {
		all = append(all, [2]int{k, twin[k]})
		if k >= from {
			tail = append(tail, [2]int{k, twin[k]})
		}
	}
	if got := pairsOf(tr); !slices.Equal(got, all) || tr.len() != len(all) {
		t.Fatalf("got %d %v, expected %v", tr.len(), got, all)
	}
	var got [][2]int
	for k, v := range tr.from(from) {
		got = append(got, [2]int{k, v})
	}
	if !slices.Equal(got, tail) {
		t.Fatalf("from %d: got %v, expected %v", from, got, tail)
	}
}

// TestTreeHeight fills a tree in the orders that degrade an unbalanced one, and empties it again.
func TestTreeHeight(t *testing.T) {
	const n = 4096
	for _, order := range []func(i int) int{
		func(i int) int { return i },
		func(i int) int { return n - i },
		func(i int) int { return i * 1237 % n },
	} {
		tr := newTree[int, int](cmp.Compare[int])
		for i := range n {
			tr = tr.put(order(i), i)
		}
		if height := checkBalance(t, tr.root); height > 29 { // 2.41 * log2(4096)
			t.Fatalf("height %d of %d keys", height, n)
		}
		for i := range n {
			tr = tr.drop(order(i))
			if i%97 == 0 {
				checkBalance(t, tr.root)
			}
		}
		if tr.len() != 0 {
			t.Fatalf("%d keys left", tr.len())
		}
	}
}

// TestTreeStops breaks out of both walks after each number of keys.
func TestTreeStops(t *testing.T) {
	tr := newTree[int, int](cmp.Compare[int])
	for i := range 50 {
		tr = tr.put(i, i)
	}
	for stop := range 20 {
		next := 0
		for k := range tr.all() {
			if k != next {
				t.Fatalf("got %d, expected %d", k, next)
			}
			if next++; next > stop {
				break
			}
		}
		next = 20
		for k := range tr.from(20) {
			if k != next {
				t.Fatalf("got %d, expected %d", k, next)
			}
			if next++; next > 20+stop {
				break
			}
		}
	}
}
