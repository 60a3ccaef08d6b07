//go:build unix

package server

// MetricRows is the table of metrics, for the test of its page.
func MetricRows() string { return metricRows() }

// HoldTimer stops the timer's goroutine until the function that it returns is called.
func (s *Server) HoldTimer() func() {
	held, let := make(chan struct{}), make(chan struct{})
	s.deadlines.calls <- func() {
		close(held)
		<-let
	}
	<-held
	return func() { close(let) }
}
