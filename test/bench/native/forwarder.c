// A byte forwarder: the floor below which a proxy that uses sockets and epoll
// cannot get. It parses nothing; each client has a backend connection of its own.
//
// usage: forwarder PORT BACKEND_PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 512, CHUNK = 64 << 10 };

// side is one of the two sockets of a pair. What its peer would not take is
// kept in rest; nothing is read from it before that is gone.
struct side {
	int fd;
	struct side *peer;
	char *rest;
	size_t len, sent;
	struct pair *pair;
};

struct pair {
	struct side client, backend;
	struct pair *next_dead;
	int dead;
};

static char chunk[CHUNK];
static struct sockaddr_in backend_address;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

// push writes what the side has kept for its peer; 1: the peer is full.
static int push(struct side *s)
{
	while (s->sent < s->len) {
		ssize_t n = send(s->peer->fd, s->rest + s->sent, s->len - s->sent, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == ENOTCONN ? 1 : -1;
		s->sent += n;
	}
	free(s->rest);
	s->rest = NULL;
	s->len = s->sent = 0;
	return 0;
}

// keep stores bytes that the peer would not take.
static int keep(struct side *s, const char *data, size_t len)
{
	s->rest = malloc(len);
	if (!s->rest)
		die("malloc");
	memcpy(s->rest, data, len);
	s->len = len;
	s->sent = 0;
	return 0;
}

// forward moves bytes from one side to its peer until either has no more; -1
// ends the pair.
static int forward(struct side *s)
{
	for (;;) {
		if (s->len) {
			int state = push(s);
			if (state)
				return state < 0 ? -1 : 0;
		}
		ssize_t n = recv(s->fd, chunk, CHUNK, 0);
		if (n == 0)
			return -1;
		if (n < 0)
			return errno == EAGAIN || errno == ENOTCONN ? 0 : -1;
		ssize_t w = send(s->peer->fd, chunk, n, MSG_NOSIGNAL);
		if (w < 0) {
			if (errno != EAGAIN && errno != ENOTCONN)
				return -1;
			w = 0;
		}
		if (w < n)
			return keep(s, chunk + w, n - w);
		if (n < CHUNK)
			return 0;
	}
}

static void watch(int epoll, struct side *s)
{
	int on = 1;
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = s};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd, &e))
		die("epoll_ctl");
}

static void accept_all(int listener, int epoll)
{
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct pair *p = calloc(1, sizeof *p);
		int to = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (!p || to < 0)
			die("socket");
		if (connect(to, (struct sockaddr *)&backend_address, sizeof backend_address) && errno != EINPROGRESS)
			die("connect");
		p->client = (struct side){.fd = fd, .peer = &p->backend, .pair = p};
		p->backend = (struct side){.fd = to, .peer = &p->client, .pair = p};
		watch(epoll, &p->client);
		watch(epoll, &p->backend);
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

// turn handles one event of a side: it may read, and its peer may have bytes
// that wait for it.
static int turn(struct side *s, unsigned events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		return -1;
	if ((events & EPOLLOUT) && s->peer->len && forward(s->peer) < 0)
		return -1;
	return events & (EPOLLIN | EPOLLRDHUP) ? forward(s) : 0;
}

// bury frees pairs at the end of a batch, as a later event of the same batch may
// still point to one of them.
static void bury(struct pair *dead)
{
	while (dead) {
		struct pair *next = dead->next_dead;
		close(dead->client.fd);
		close(dead->backend.fd);
		free(dead->client.rest);
		free(dead->backend.rest);
		free(dead);
		dead = next;
	}
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: forwarder PORT BACKEND_PORT\n");
		return 2;
	}
	backend_address = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(atoi(argv[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = listen_on(atoi(argv[1])), epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event own = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &own))
		die("epoll");
	for (;;) {
		struct pair *dead = NULL;
		int n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct side *s = events[i].data.ptr;
			if (!s) {
				accept_all(listener, epoll);
			} else if (!s->pair->dead && turn(s, events[i].events) < 0) {
				s->pair->dead = 1;
				s->pair->next_dead = dead;
				dead = s->pair;
			}
		}
		bury(dead);
	}
}
