package world

// Dump tells all that is known of each log, for people: one line an append, in the order of the log, then those whose
// place is not known.
func (l *Ledger) Dump() {
	for _, p := range l.partitions {
		l.w.logf("%v: start %d, end %d, ended at %d when its broker started", p, p.start, p.end, p.recovered)
		for _, x := range p.log {
			l.dump(x.id)
		}
		for id := range l.appends {
			if a := &l.appends[id]; a.Partition == p.Index && a.base < 0 {
				l.dump(AppendID(id))
			}
		}
	}
}

func (l *Ledger) dump(id AppendID) {
	a := &l.appends[id]
	l.w.logf("  append %d at %d, %d records, producer %d epoch %d sequence %d, sent %v acked %v refused %v", id, a.base,
		a.Count, a.ProducerID, a.Epoch, a.Sequence, a.sent, a.acked, a.failed)
}
