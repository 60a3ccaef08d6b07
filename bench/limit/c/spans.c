/*
 * Receive, send a header and a sendfile: limit.Spans in C, with the same frames. What stands before the records and
 * after them is given, in hexadecimal digits.
 *
 *	spans IP PORT FILE HEAD TAIL BATCH-BYTES BATCH-RECORDS SPAN-BYTES
 */
#include "loop.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

/* Where the fetch offset stands, counted from the end of a request; see limit.offsetFromEnd. */
enum { FROM_END = 8 + 4 + 8 + 4 + 5, MOST = 1024 };

static unsigned char head[MOST], tail[MOST];
static size_t head_size, tail_size;
static const char *path;
static long long batch_bytes, batch_records, span_bytes;

static size_t unhex(const char *text, unsigned char *into) {
	size_t n = strlen(text) / 2;
	unsigned v;
	if (n > MOST)
		n = MOST;
	for (size_t i = 0; i < n; i++) {
		if (sscanf(text + 2 * i, "%2x", &v) != 1) {
			fprintf(stderr, "got %s, expected hexadecimal digits\n", text);
			exit(2);
		}
		into[i] = v;
	}
	return n;
}

static int send_span(int fd, int file, off_t at) {
	for (long long n = span_bytes; n > 0;) {
		ssize_t sent = sendfile(fd, file, &at, n);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return 0;
		n -= sent;
	}
	return 1;
}

static void serve(int fd, int series) {
	struct frames in = {.fd = fd};
	unsigned char mine[MOST], *frame;
	struct stat info;
	int file = open(path, O_RDONLY | O_CLOEXEC);
	(void)series;
	if (file < 0 || fstat(file, &info) != 0)
		fail(path);
	memcpy(mine, head, head_size);
	while ((frame = next_frame(&in))) {
		long long offset = in.size < FROM_END ? -1 : (long long)get64(frame + in.size - FROM_END);
		long long at = offset / batch_records * batch_bytes;
		if (offset < 0 || at + span_bytes > info.st_size) {
			fprintf(stderr, "no such span: got offset %lld\n", offset);
			break;
		}
		memcpy(mine + LENGTH, frame + CORRELATION, 4);
		if (!send_all(fd, mine, head_size, MSG_MORE) || !send_span(fd, file, at) || !send_all(fd, tail, tail_size, 0))
			break;
	}
	close(file);
	free(in.buf);
}

int main(int argc, char **argv) {
	if (argc != 9) {
		fprintf(stderr, "got %d arguments, expected IP PORT FILE HEAD TAIL BATCH-BYTES BATCH-RECORDS SPAN-BYTES\n",
			argc - 1);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN); /* sendfile has no MSG_NOSIGNAL */
	path = argv[3];
	head_size = unhex(argv[4], head), tail_size = unhex(argv[5], tail);
	batch_bytes = atoll(argv[6]), batch_records = atoll(argv[7]), span_bytes = atoll(argv[8]);
	if (batch_bytes <= 0 || batch_records <= 0 || span_bytes <= 0) {
		fprintf(stderr, "got sizes %s %s %s, expected more than 0\n", argv[6], argv[7], argv[8]);
		return 2;
	}
	run_loop(argv[1], argv[2]);
}
