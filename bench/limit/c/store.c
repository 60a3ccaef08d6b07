/*
 * Receive, CRC-32C unless it is left out, pwrite, answer: limit.Store and limit.Keep in C, with the same frames.
 *
 *	store IP PORT DIR FILE-BYTES crc|no-crc
 */
#include "loop.h"

#include <fcntl.h>

#include "crc32c.h"

enum { ACK = 60 };

static const char *dir;
static long long file_bytes;
static int with_crc;

static volatile uint32_t last_sum; /* so that it is computed */

/* open_next opens the next file of a series. */
static int open_next(int series, int number) {
	char name[4096];
	snprintf(name, sizeof name, "%s/%d-%08d.log", dir, series, number);
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		fail(name);
	return fd;
}

static void append(int fd, const unsigned char *p, size_t n, long long at) {
	while (n > 0) {
		ssize_t written = pwrite(fd, p, n, at);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			fail("pwrite");
		p += written, n -= written, at += written;
	}
}

static void serve(int fd, int series) {
	struct frames in = {.fd = fd};
	unsigned char ack[ACK] = {0}, *frame;
	int file = -1, number = 0;
	long long size = 0;
	put32(ack, ACK - LENGTH);
	while ((frame = next_frame(&in))) {
		if (with_crc)
			last_sum = crc32c(frame, in.size);
		if (file < 0 || size + (long long)in.size > file_bytes) {
			if (file >= 0)
				close(file);
			file = open_next(series, ++number);
			size = 0;
		}
		append(file, frame, in.size, size);
		size += in.size;
		memcpy(ack + LENGTH, frame + CORRELATION, 4);
		if (!send_all(fd, ack, ACK, 0))
			break;
	}
	if (file >= 0)
		close(file);
	free(in.buf);
}

int main(int argc, char **argv) {
	if (argc != 6) {
		fprintf(stderr, "got %d arguments, expected IP PORT DIR FILE-BYTES crc|no-crc\n", argc - 1);
		return 2;
	}
	dir = argv[3];
	file_bytes = atoll(argv[4]);
	with_crc = strcmp(argv[5], "crc") == 0;
	crc_init();
	run_loop(argv[1], argv[2]);
}
