// A backend that costs little: one thread, one epoll, answers made once.
// "/100k" and "/1m" name the two larger bodies, and every other path gets 1 KiB.
// FILE holds how many requests were answered.
//
// usage: backend PORT FILE
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "count.h"

enum { EVENTS = 512, HEAD = 8192 };

struct answer {
	char *data;
	size_t len;
};

struct conn {
	int fd;
	size_t have;                // bytes of heads not answered yet
	const struct answer *answer; // being written, or NULL
	size_t sent;
	char head[HEAD];
};

static struct answer answers[3];
static volatile uint64_t *answered;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct answer make_answer(size_t body)
{
	char head[256];
	int n = snprintf(head, sizeof head,
			 "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n", body);
	struct answer a = {malloc(n + body), n + body};
	if (!a.data)
		die("malloc");
	memcpy(a.data, head, n);
	memset(a.data + n, 'x', body);
	return a;
}

static const struct answer *choose(const char *head, size_t len)
{
	const char *path = memchr(head, ' ', len);
	size_t left = path ? len - (path - head) : 0;
	if (left > 6 && !memcmp(path, " /100k", 6))
		return &answers[1];
	if (left > 4 && !memcmp(path, " /1m", 4))
		return &answers[2];
	return &answers[0];
}

// flush writes the answer; 0: all of it, 1: the socket is full, -1: closed.
static int flush(struct conn *c)
{
	while (c->sent < c->answer->len) {
		ssize_t n = send(c->fd, c->answer->data + c->sent, c->answer->len - c->sent, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN ? 1 : -1;
		c->sent += n;
	}
	c->answer = NULL;
	return 0;
}

// answer_all answers the heads that are complete, one after another.
static int answer_all(struct conn *c)
{
	char *end;
	while (!c->answer && (end = memmem(c->head, c->have, "\r\n\r\n", 4))) {
		size_t used = end + 4 - c->head;
		c->answer = choose(c->head, used);
		++*answered;
		c->sent = 0;
		c->have -= used;
		memmove(c->head, c->head + used, c->have);
		if (flush(c) < 0)
			return -1;
	}
	return 0;
}

// serve does all that a connection can do now; -1 closes it.
static int serve(struct conn *c)
{
	for (;;) {
		if (c->answer) {
			int state = flush(c);
			if (state)
				return state < 0 ? -1 : 0;
		}
		if (answer_all(c) < 0)
			return -1;
		if (c->answer)
			return 0;
		if (c->have == HEAD)
			return -1;
		size_t room = HEAD - c->have;
		ssize_t n = recv(c->fd, c->head + c->have, room, 0);
		if (n == 0)
			return -1;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->have += n;
		if (answer_all(c) < 0)
			return -1;
		// A short read has drained the socket; the next edge tells of more.
		if ((size_t)n < room)
			return 0;
	}
}

static void accept_all(int listener, int epoll)
{
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		int on = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		struct conn *c = malloc(sizeof *c);
		if (!c)
			die("malloc");
		c->fd = fd;
		c->have = c->sent = 0;
		c->answer = NULL;
		struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e))
			die("epoll_ctl");
	}
}

static int listen_on(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 4096))
		die("listen");
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: backend PORT FILE\n");
		return 2;
	}
	answered = count_in(argv[2]);
	answers[0] = make_answer(1 << 10);
	answers[1] = make_answer(100 << 10);
	answers[2] = make_answer(1 << 20);
	int listener = listen_on(atoi(argv[1])), epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event own = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &own))
		die("epoll");
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (!c) {
				accept_all(listener, epoll);
			} else if (serve(c) < 0) {
				close(c->fd);
				free(c);
			}
		}
	}
}
