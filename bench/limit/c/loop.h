/*
 * What the loops share: a listener as limit.Listen opens it, a thread for each connection, and frames as limit.frames
 * cuts them, with no more than one read for each where frames are of one size and whole.
 */
#ifndef LOOP_H
#define LOOP_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LENGTH = 4, CORRELATION = 8, HEADER = 12, LARGEST = 128 << 20 };

static uint32_t get32(const unsigned char *p) {
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t get64(const unsigned char *p) {
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static inline void put32(unsigned char *p, uint32_t v) {
	p[0] = v >> 24, p[1] = v >> 16, p[2] = v >> 8, p[3] = v;
}

static void fail(const char *what) {
	perror(what);
	exit(1);
}

struct frames {
	int fd;
	unsigned char *buf;
	size_t cap, end, size; /* of the buffer, of what is in it, of the last frame */
};

/* next returns the next frame, length included, valid until the call after; NULL at the end of the connection. */
static unsigned char *next_frame(struct frames *f) {
	size_t want = f->size > LENGTH ? f->size : LENGTH;
	memmove(f->buf, f->buf + f->size, f->end - f->size);
	f->end -= f->size;
	f->size = 0;
	for (;;) {
		if (f->end >= LENGTH) {
			want = (size_t)get32(f->buf) + LENGTH;
			if (want < HEADER || want > LARGEST) {
				fprintf(stderr, "bad frame length: got %zu, expected %d to %d\n", want, HEADER, LARGEST);
				return NULL;
			}
		}
		if (want > f->cap) {
			f->buf = realloc(f->buf, want);
			if (!f->buf)
				fail("realloc");
			f->cap = want;
		}
		if (f->end >= want && f->end >= HEADER) {
			f->size = want;
			return f->buf;
		}
		ssize_t n = read(f->fd, f->buf + f->end, want - f->end);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return NULL; /* a client that leaves with answers unread resets the connection */
		f->end += n;
	}
}

/* send_all sends all of p; 0 if the connection has ended. */
static int send_all(int fd, const unsigned char *p, size_t n, int flags) {
	while (n > 0) {
		ssize_t sent = send(fd, p, n, flags | MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return 0;
		p += sent, n -= sent;
	}
	return 1;
}

/* Each loop says what it does with a connection. */
static void serve(int fd, int series);

struct connection {
	int fd, series;
};

static void *run_connection(void *arg) {
	struct connection c = *(struct connection *)arg;
	free(arg);
	serve(c.fd, c.series);
	close(c.fd);
	return NULL;
}

/* tune sets the congestion control as both ends of every measured connection do. */
static void tune(int fd) {
	if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) != 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4); /* else the system's */
}

/* run_loop serves connections until the process is killed. */
static void run_loop(const char *ip, const char *port) {
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
	int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0)
		fail("socket");
	if (inet_pton(AF_INET, ip, &at.sin_addr) != 1) {
		fprintf(stderr, "bad address: got %s, expected one of IPv4\n", ip);
		exit(1);
	}
	tune(listener);
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 128) != 0)
		fail("listen");
	for (int series = 1;; series++) {
		struct connection *c = malloc(sizeof *c);
		pthread_t thread;
		if (!c)
			fail("malloc");
		c->series = series;
		c->fd = accept(listener, NULL, NULL);
		if (c->fd < 0)
			fail("accept");
		(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (pthread_create(&thread, NULL, run_connection, c) != 0)
			fail("pthread_create");
		pthread_detach(thread);
	}
}

#endif
