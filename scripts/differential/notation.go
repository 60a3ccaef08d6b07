package main

import (
	"fmt"
	"strconv"
	"strings"
)

// A message is written as {Field:value Field:value}, an array as [value value], everything else as a word, quoted like
// a Go string where it has spaces or brackets. A word with parentheses, batch(a, b), may have spaces between them.

// node is one value of that notation.
type node struct {
	word   string
	fields []namedNode // of a structure
	items  []node      // of an array
	kind   byte        // '{', '[' or 'w'
}

type namedNode struct {
	name string
	node
}

// notation reads the notation.
type notation struct {
	text string
	pos  int
}

// parseNode reads a whole text.
func parseNode(text string) (node, error) {
	p := notation{text: text}
	n, err := p.value()
	if err != nil {
		return n, err
	}
	p.space()
	if p.pos < len(p.text) {
		return n, fmt.Errorf("got %q after the end", p.text[p.pos:])
	}
	return n, nil
}

func (p *notation) space() {
	for p.pos < len(p.text) && strings.ContainsRune(" \n\t", rune(p.text[p.pos])) {
		p.pos++
	}
}

func (p *notation) peek() byte {
	p.space()
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *notation) value() (node, error) {
	switch p.peek() {
	case '{':
		return p.structure()
	case '[':
		return p.array()
	case '"':
		quoted, err := strconv.QuotedPrefix(p.text[p.pos:])
		if err != nil {
			return node{}, fmt.Errorf("at %q: %w", p.text[p.pos:], err)
		}
		p.pos += len(quoted)
		word, err := strconv.Unquote(quoted)
		return node{kind: 'w', word: word}, err
	}
	word := p.word()
	if word == "" {
		return node{}, fmt.Errorf("at %q: expected a value", p.text[p.pos:])
	}
	return node{kind: 'w', word: word}, nil
}

// word reads up to the next space or bracket; what stands in parentheses belongs to it.
func (p *notation) word() string {
	from, depth := p.pos, 0
	for ; p.pos < len(p.text); p.pos++ {
		c := p.text[p.pos]
		if c == '(' {
			depth++
		} else if c == ')' {
			depth--
		} else if depth == 0 && strings.IndexByte(" \n\t{}[]", c) >= 0 {
			break
		}
	}
	return p.text[from:p.pos]
}

func (p *notation) structure() (node, error) {
	n := node{kind: '{'}
	for p.pos++; p.peek() != '}'; {
		colon := strings.IndexByte(p.text[p.pos:], ':')
		if colon < 0 {
			return n, fmt.Errorf("at %q: expected a field", p.text[p.pos:])
		}
		name := p.text[p.pos : p.pos+colon]
		p.pos += colon + 1
		v, err := p.value()
		if err != nil {
			return n, err
		}
		n.fields = append(n.fields, namedNode{name: name, node: v})
	}
	p.pos++
	return n, nil
}

func (p *notation) array() (node, error) {
	n := node{kind: '['}
	for p.pos++; p.peek() != ']'; {
		if p.peek() == 0 {
			return n, fmt.Errorf("an array does not end")
		}
		v, err := p.value()
		if err != nil {
			return n, err
		}
		n.items = append(n.items, v)
	}
	p.pos++
	return n, nil
}
