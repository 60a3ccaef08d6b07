package meta

import "iter"

// tree is an ordered map that never changes: put and drop return another tree which shares all but the path to the key
// with this one. It is a weight-balanced binary tree (Adams; balance 3 and rotation 2 as proved sound by Hirai and
// Yamamoto, 2011), so its height is at most 2.41 log2 n and a change allocates that many nodes. Its shape depends on
// the order of the changes alone. The zero tree has no order and cannot be used; see newTree.
type tree[K, V any] struct {
	root    *node[K, V]
	compare func(a, b K) int
}

type node[K, V any] struct {
	key         K
	value       V
	left, right *node[K, V]
	// size is the number of nodes in this subtree.
	//
	// Invariant: neither child holds more than 3 times what the other holds, counting one more for each.
	size int
}

func newTree[K, V any](compare func(a, b K) int) tree[K, V] {
	return tree[K, V]{compare: compare}
}

// len is the number of keys.
func (t tree[K, V]) len() int { return t.root.len() }

// get returns the value of key, and whether there is one.
func (t tree[K, V]) get(key K) (V, bool) {
	for n := t.root; n != nil; {
		switch c := t.compare(key, n.key); {
		case c < 0:
			n = n.left
		case c > 0:
			n = n.right
		default:
			return n.value, true
		}
	}
	var none V
	return none, false
}

// put returns the tree with key set to value.
func (t tree[K, V]) put(key K, value V) tree[K, V] {
	t.root = t.putAt(t.root, key, value)
	return t
}

func (t tree[K, V]) putAt(n *node[K, V], key K, value V) *node[K, V] {
	if n == nil {
		return &node[K, V]{key: key, value: value, size: 1}
	}
	switch c := t.compare(key, n.key); {
	case c < 0:
		return balanced(n.key, n.value, t.putAt(n.left, key, value), n.right)
	case c > 0:
		return balanced(n.key, n.value, n.left, t.putAt(n.right, key, value))
	}
	return &node[K, V]{key: key, value: value, left: n.left, right: n.right, size: n.size}
}

// drop returns the tree without key; it is the same tree if there is no such key.
func (t tree[K, V]) drop(key K) tree[K, V] {
	if _, ok := t.get(key); ok {
		t.root = t.dropAt(t.root, key)
	}
	return t
}

// dropAt removes key, which is there.
func (t tree[K, V]) dropAt(n *node[K, V], key K) *node[K, V] {
	switch c := t.compare(key, n.key); {
	case c < 0:
		return balanced(n.key, n.value, t.dropAt(n.left, key), n.right)
	case c > 0:
		return balanced(n.key, n.value, n.left, t.dropAt(n.right, key))
	}
	switch {
	case n.left == nil:
		return n.right
	case n.right == nil:
		return n.left
	}
	next := n.right
	for next.left != nil {
		next = next.left
	}
	return balanced(next.key, next.value, n.left, dropFirst(n.right))
}

func dropFirst[K, V any](n *node[K, V]) *node[K, V] {
	if n.left == nil {
		return n.right
	}
	return balanced(n.key, n.value, dropFirst(n.left), n.right)
}

// all walks the tree by rising key.
func (t tree[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.root.walk(yield) }
}

// from walks the tree by rising key, beginning with the first key that is not less than key.
func (t tree[K, V]) from(key K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.walkFrom(t.root, key, yield) }
}

func (t tree[K, V]) walkFrom(n *node[K, V], key K, yield func(K, V) bool) bool {
	if n == nil {
		return true
	}
	if t.compare(n.key, key) < 0 {
		return t.walkFrom(n.right, key, yield)
	}
	return t.walkFrom(n.left, key, yield) && yield(n.key, n.value) && n.right.walk(yield)
}

func (n *node[K, V]) walk(yield func(K, V) bool) bool {
	return n == nil || n.left.walk(yield) && yield(n.key, n.value) && n.right.walk(yield)
}

func (n *node[K, V]) len() int {
	if n == nil {
		return 0
	}
	return n.size
}

// branch makes a node of children that are in balance.
func branch[K, V any](key K, value V, left, right *node[K, V]) *node[K, V] {
	return &node[K, V]{key: key, value: value, left: left, right: right, size: left.len() + right.len() + 1}
}

// heavier says that a subtree of a nodes is too heavy to stand beside one of b nodes.
func heavier(a, b int) bool { return a+1 > 3*(b+1) }

// balanced makes a node of children of which one may be a single key out of balance.
func balanced[K, V any](key K, value V, left, right *node[K, V]) *node[K, V] {
	switch {
	case heavier(right.len(), left.len()):
		inner, outer := right.left, right.right
		if inner.len()+1 < 2*(outer.len()+1) {
			return branch(right.key, right.value, branch(key, value, left, inner), outer)
		}
		return branch(inner.key, inner.value,
			branch(key, value, left, inner.left), branch(right.key, right.value, inner.right, outer))
	case heavier(left.len(), right.len()):
		outer, inner := left.left, left.right
		if inner.len()+1 < 2*(outer.len()+1) {
			return branch(left.key, left.value, outer, branch(key, value, inner, right))
		}
		return branch(inner.key, inner.value,
			branch(left.key, left.value, outer, inner.left), branch(key, value, inner.right, right))
	}
	return branch(key, value, left, right)
}
