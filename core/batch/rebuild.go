package batch

// rebuild writes the records of b anew with the topic's codec and makes the result the verdict's batch.
// The records were walked before, so the errors that remain are ErrTooLarge, as soon as the result exceeds the largest
// allowed size, and ErrInflated. A record inflates whole here, so more than a window may be needed for it.
func (v *Verdict) rebuild(b Batch, rules *Rules) error {
	to, _ := builders.Get().(*Builder)
	if to == nil {
		to = new(Builder)
	}
	to.Reset(Options{
		LeaderEpoch:   b.LeaderEpoch(),
		Codec:         rules.Compression.Codec,
		Level:         rules.Compression.Level,
		ProducerID:    b.ProducerID(),
		ProducerEpoch: b.ProducerEpoch(),
		BaseSequence:  b.BaseSequence(),
		Transactional: b.Transactional(),
		LogAppendTime: rules.LogAppendTime,
		AppendTime:    rules.Now,
		MaxBytes:      rules.MaxBytes,
	})
	err := to.appendAll(b.open(rules.MaxInflated, true))
	if err == nil {
		v.Batch, err = to.Build()
	}
	if err != nil {
		putBuilder(to)
		return err
	}
	v.builder, v.Rebuilt = to, true
	return nil
}

// appendAll adds all records of r at the next offsets.
func (b *Builder) appendAll(r Records) error {
	defer r.Close()
	for b.err == nil && r.Next() {
		b.AppendRecord(b.lastDelta+1, r.Record())
	}
	if b.err != nil {
		return b.err
	}
	return r.Err()
}
