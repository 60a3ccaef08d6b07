/*
 * CRC-32C: by the instruction of SSE4.2 where the processor has it, else by a table. The instruction takes three cycles
 * and can begin in each, so three blocks are summed side by side and put together, as Go's library does.
 */
#ifndef CRC32C_H
#define CRC32C_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 1024 };

static uint32_t crc_table[256];      /* what a byte does to a sum */
static uint32_t crc_skip[4][256];    /* what BLOCK bytes of zeros do to each byte of a sum */

static uint32_t crc_by_table(uint32_t sum, const unsigned char *p, size_t n) {
	while (n--)
		sum = crc_table[(sum ^ *p++) & 0xff] ^ sum >> 8;
	return sum;
}

/* crc_init makes the tables. */
static void crc_init(void) {
	static const unsigned char zeros[BLOCK];
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t sum = i;
		for (int bit = 0; bit < 8; bit++)
			sum = sum & 1 ? sum >> 1 ^ 0x82f63b78 : sum >> 1;
		crc_table[i] = sum;
	}
	for (int at = 0; at < 4; at++)
		for (uint32_t i = 0; i < 256; i++)
			crc_skip[at][i] = crc_by_table(i << 8 * at, zeros, BLOCK);
}

#ifdef __x86_64__
#include <nmmintrin.h>

static uint32_t skip_block(uint32_t sum) {
	return crc_skip[0][sum & 0xff] ^ crc_skip[1][sum >> 8 & 0xff] ^ crc_skip[2][sum >> 16 & 0xff] ^
	       crc_skip[3][sum >> 24];
}

static uint64_t word_at(const unsigned char *p) {
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

__attribute__((target("sse4.2"))) static uint32_t crc_by_instruction(uint32_t sum, const unsigned char *p, size_t n) {
	for (; n >= 3 * BLOCK; p += 3 * BLOCK, n -= 3 * BLOCK) {
		uint64_t a = sum, b = 0, c = 0;
		for (size_t i = 0; i < BLOCK; i += 8) {
			a = _mm_crc32_u64(a, word_at(p + i));
			b = _mm_crc32_u64(b, word_at(p + BLOCK + i));
			c = _mm_crc32_u64(c, word_at(p + 2 * BLOCK + i));
		}
		sum = skip_block(skip_block(a) ^ (uint32_t)b) ^ (uint32_t)c;
	}
	uint64_t rest = sum;
	for (; n >= 8; p += 8, n -= 8)
		rest = _mm_crc32_u64(rest, word_at(p));
	for (sum = rest; n > 0; p++, n--)
		sum = _mm_crc32_u8(sum, *p);
	return sum;
}
#endif

/* crc32c returns the sum of n bytes. */
static uint32_t crc32c(const unsigned char *p, size_t n) {
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc_by_instruction(~0u, p, n);
#endif
	return ~crc_by_table(~0u, p, n);
}

#endif
