package types

import "testing"

func BenchmarkAddNum(b *testing.B) {
	x, y := Num{Coef: 12345, Scale: 2}, Num{Coef: 6789, Scale: 3}
	b.ReportAllocs()
	for b.Loop() {
		x.Coef &= 0xffff
		if r, ok := AddNum(x, y); ok {
			x.Coef = r.Coef
		}
	}
}

func BenchmarkDivDec(b *testing.B) {
	x, y := DecInt(10), DecInt(3)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DivDec(x, y); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseTimestamp(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseTimestamp("2024-01-05 10:11:12.123456", nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendTimestamp(b *testing.B) {
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendTimestamp(buf[:0], 757764672123456, nil)
	}
}

func BenchmarkAppendNum(b *testing.B) {
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendNum(buf[:0], Num{Coef: 1234567, Scale: 2}, nil)
	}
}

func BenchmarkParseDec(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseDec("12345.67"); err != nil {
			b.Fatal(err)
		}
	}
}
