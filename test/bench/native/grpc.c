// A gRPC backend that costs little: HTTP/2 with prior knowledge, one thread, one
// epoll. Each stream that its client ends is answered with one message of 16
// bytes and grpc-status 0, whatever was asked: heads are not even decoded, which
// is possible as answers depend on nothing in them. FILE holds how many streams
// were answered.
//
// usage: grpc PORT FILE
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "count.h"

enum { EVENTS = 256, IN = 64 << 10, PREFACE = 24, FRAME_HEAD = 9, MESSAGE = 5 + 16 };
enum { DATA = 0, HEADERS = 1, SETTINGS = 4, PING = 6, WINDOW_UPDATE = 8 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };

// The window that is given to clients for what they send on one connection; it
// is filled up again when half of it is used.
static const uint32_t window_given = 1u << 30;

// :status 200 and content-type application/grpc; then grpc-status 0 (RFC 7541,
// static table and literals without indexing).
static const char head[] = "\x88\x0f\x10\x10" "application/grpc", trailer[] = "\x00\x0b" "grpc-status" "\x01" "0";
static const char message[MESSAGE] = {0, 0, 0, 0, 16, 'x'};

static volatile uint64_t *answered;

struct bytes {
	char *data;
	size_t len, cap;
};

struct conn {
	int fd, greeted;
	size_t have;         // bytes in in
	size_t sent;         // of out
	int64_t window;      // what the client takes on the whole connection
	uint32_t received;   // DATA since the last update
	struct bytes out;
	struct bytes waiting; // numbers of streams whose answer does not fit window
	char in[IN];
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void append(struct bytes *b, const void *data, size_t len)
{
	if (b->len + len > b->cap) {
		b->cap = (b->len + len) * 2;
		b->data = realloc(b->data, b->cap);
		if (!b->data)
			die("realloc");
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static uint32_t read32(const char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return ntohl(v);
}

static void frame(struct conn *c, int type, int flags, uint32_t stream, const void *payload, uint32_t len)
{
	char h[FRAME_HEAD] = {len >> 16, len >> 8, len, type, flags};
	stream = htonl(stream);
	memcpy(h + 5, &stream, sizeof stream);
	append(&c->out, h, sizeof h);
	append(&c->out, payload, len);
}

static void give_window(struct conn *c, uint32_t n)
{
	n = htonl(n);
	frame(c, WINDOW_UPDATE, 0, 0, &n, sizeof n);
}

// answer assumes that a stream's own window has room for one message.
static void answer(struct conn *c, uint32_t stream)
{
	if (c->window < MESSAGE) {
		append(&c->waiting, &stream, sizeof stream);
		return;
	}
	c->window -= MESSAGE;
	++*answered;
	frame(c, HEADERS, END_HEADERS, stream, head, sizeof head - 1);
	frame(c, DATA, 0, stream, message, sizeof message);
	frame(c, HEADERS, END_HEADERS | END_STREAM, stream, trailer, sizeof trailer - 1);
}

// answer_waiting is called when the window has grown.
static void answer_waiting(struct conn *c)
{
	struct bytes old = c->waiting;
	c->waiting = (struct bytes){0};
	for (size_t i = 0; i < old.len; i += sizeof(uint32_t)) {
		uint32_t stream;
		memcpy(&stream, old.data + i, sizeof stream);
		answer(c, stream);
	}
	free(old.data);
}

static void count_data(struct conn *c, uint32_t len)
{
	c->received += len;
	if (c->received > window_given / 2) {
		give_window(c, c->received);
		c->received = 0;
	}
}

static void handle(struct conn *c, int type, int flags, uint32_t stream, const char *payload, uint32_t len)
{
	if (type == SETTINGS && !(flags & ACK))
		frame(c, SETTINGS, ACK, 0, NULL, 0);
	else if (type == PING && !(flags & ACK))
		frame(c, PING, ACK, 0, payload, len);
	else if (type == WINDOW_UPDATE && stream == 0 && len == 4) {
		c->window += read32(payload) & 0x7fffffff;
		answer_waiting(c);
	} else if (type == DATA)
		count_data(c, len);
	if ((type == HEADERS || type == DATA) && flags & END_STREAM)
		answer(c, stream);
}

// take_frames handles all frames that are complete.
static int take_frames(struct conn *c)
{
	size_t at = 0;
	if (!c->greeted) {
		if (c->have < PREFACE)
			return 0;
		at = PREFACE;
		c->greeted = 1;
		frame(c, SETTINGS, 0, 0, NULL, 0);
		give_window(c, window_given);
	}
	while (c->have - at >= FRAME_HEAD) {
		const unsigned char *h = (unsigned char *)c->in + at;
		uint32_t len = h[0] << 16 | h[1] << 8 | h[2];
		if (len > IN - FRAME_HEAD)
			return -1;
		if (c->have - at < FRAME_HEAD + len)
			break;
		handle(c, h[3], h[4], read32(c->in + at + 5) & 0x7fffffff, c->in + at + FRAME_HEAD, len);
		at += FRAME_HEAD + len;
	}
	c->have -= at;
	memmove(c->in, c->in + at, c->have);
	return 0;
}

// flush writes what is in out; -1: closed.
static int flush(struct conn *c)
{
	while (c->sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->sent += n;
	}
	c->out.len = c->sent = 0;
	return 0;
}

// serve does all that a connection can do now; -1 closes it. Answers of one read
// leave in one write.
static int serve(struct conn *c)
{
	for (;;) {
		size_t room = IN - c->have;
		ssize_t n = recv(c->fd, c->in + c->have, room, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return -1;
		if (n > 0) {
			c->have += n;
			if (take_frames(c) < 0)
				return -1;
		}
		if (flush(c) < 0)
			return -1;
		if (n < 0 || (size_t)n < room)
			return 0;
	}
}

static void accept_all(int listener, int epoll)
{
	int fd, on = 1;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		struct conn *c = calloc(1, sizeof *c);
		if (!c)
			die("calloc");
		c->fd = fd;
		c->window = 65535; // RFC 9113, 6.9.2
		struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e))
			die("epoll_ctl");
	}
}

static void end(struct conn *c)
{
	close(c->fd);
	free(c->out.data);
	free(c->waiting.data);
	free(c);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: grpc PORT FILE\n");
		return 2;
	}
	answered = count_in(argv[2]);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, 4096))
		die("listen");
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event own = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &own))
		die("epoll");
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (!c)
				accept_all(listener, epoll);
			else if (serve(c) < 0)
				end(c);
		}
	}
}
