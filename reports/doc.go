// Package reports renders results: charts, and one HTML page that holds them, with every figure, its unit and what it
// was taken on.
//
// # The page
//
// A [Page] is a title, verdicts, and sections of parts: [Text], [List], [Facts], [Table], [Chart], [Listing] and
// [Fold]. It is one file that needs nothing else: no script, no font, no picture from outside. It reads on a telephone
// (wide tables scroll on their own), in light and dark (the reader's setting decides), and printed (always light). All
// texts are escaped.
//
// # Charts
//
// Charts are drawn by gonum/plot as SVG. Each is drawn twice, for light and for dark, and the page's style sheet shows
// one of them. The colours are those of Okabe and Ito, which people with any of the common colour blindnesses tell
// apart, and series differ in dashes or in their place too. A chart is drawn for 400 points of width with type of 11
// points, so that it can be read on a telephone as well.
//
//	Lines   figures over time, with marks where something happened and bands while it lasted
//	Bars    figures of a few series in groups, with the spread of the runs, on a linear or logarithmic scale
package reports
