package batch

import (
	"fmt"
	"strings"
	"testing"
)

// benchBatch builds a batch of about size bytes of records with values of recordSize, of text that compresses.
func benchBatch(tb testing.TB, codec Codec, recordSize, size int) Batch {
	line := "func (b Batch) Codec() Codec { return Codec(b.Attributes() & attrCodecMask) }\n"
	text := strings.Repeat(line, 1+recordSize/64)
	var b Builder
	o := NewOptions()
	o.Codec = codec
	b.Reset(o)
	key := []byte("core/batch/header.go")
	for n := 0; n < size; n += recordSize + len(key) + 9 {
		b.Append(1_700_000_000_000+int64(n/5000), key, []byte(text[n%13:n%13+recordSize]))
	}
	batch, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	return batch
}

// BenchmarkValidate compares the CRC alone with header and full validation.
//
//	go test -run '^$' -bench Validate ./core/batch
func BenchmarkValidate(b *testing.B) {
	for _, recordSize := range []int{100, 1 << 10} {
		for _, size := range []int{64 << 10, 1 << 20} {
			batch := benchBatch(b, None, recordSize, size)
			name := fmt.Sprintf("%dB/%dKiB/", recordSize, size>>10)
			b.Run(name+"crc", func(b *testing.B) {
				b.SetBytes(int64(len(batch)))
				for b.Loop() {
					if batch.CheckCRC() != nil {
						b.Fatal("CRC")
					}
				}
			})
			for _, level := range []Level{HeaderOnly, Full} {
				b.Run(name+level.String(), func(b *testing.B) { benchValidate(b, batch, Rules{Level: level}) })
			}
		}
	}
}

// BenchmarkValidateCodec is full validation of compressed batches; MB/s count the records as they inflate.
func BenchmarkValidateCodec(b *testing.B) {
	for codec := Gzip; codec <= Zstd; codec++ {
		batch := benchBatch(b, codec, 1<<10, 1<<20)
		b.Run(fmt.Sprintf("%v/1024B/1024KiB", codec), func(b *testing.B) {
			benchValidate(b, batch, Rules{})
			b.SetBytes(1 << 20)
		})
	}
}

// BenchmarkRecode is what compression.type costs when producers do not follow it.
func BenchmarkRecode(b *testing.B) {
	batch := benchBatch(b, None, 1<<10, 1<<20)
	for codec := Gzip; codec <= Zstd; codec++ {
		b.Run(fmt.Sprintf("none to %v", codec), func(b *testing.B) {
			benchValidate(b, batch, Rules{Compression: Compression{Recode: true, Codec: codec}})
		})
	}
}

func benchValidate(b *testing.B, batch Batch, rules Rules) {
	rules.Now, rules.BeforeMaxMs, rules.AfterMaxMs = 1_700_000_000_000, 1<<62, 3_600_000
	b.ReportAllocs()
	b.SetBytes(int64(len(batch)))
	for b.Loop() {
		v, err := Validate(batch, rules)
		if err != nil {
			b.Fatal(err)
		}
		v.Release()
	}
}

// BenchmarkRecords iterates over the records.
func BenchmarkRecords(b *testing.B) {
	for codec := None; codec <= Zstd; codec++ {
		batch := benchBatch(b, codec, 100, 1<<20)
		b.Run(codec.String(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(1 << 20)
			for b.Loop() {
				n := int32(0)
				it := batch.Records(DefaultMaxInflated)
				for it.Next() {
					n++
				}
				if it.Err() != nil || n != batch.Count() {
					b.Fatal(it.Err())
				}
			}
		})
	}
}

// BenchmarkBuild appends records of 100 bytes until a batch has 64 KiB of them.
func BenchmarkBuild(b *testing.B) {
	value := []byte(strings.Repeat("0123456789", 10))
	for codec := None; codec <= Zstd; codec++ {
		b.Run(codec.String(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(64 << 10)
			var to Builder
			o := NewOptions()
			o.Codec = codec
			for b.Loop() {
				to.Reset(o)
				for i := 0; i < 64<<10; i += 108 {
					to.Append(1_700_000_000_000, nil, value)
				}
				if _, err := to.Build(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
