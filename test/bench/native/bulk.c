// The two ends of bulk transfers over TCP, between which a proxy stands.
//
// usage: bulk serve PORT FILE                   sends without end to all who connect
//        bulk take PORT CONNECTIONS SECONDS     reads and discards
//
// FILE holds how many bytes were sent. The second writes one line: RESULT bytes
// microseconds.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "count.h"

enum { EVENTS = 64, CHUNK = 256 << 10 };

static char chunk[CHUNK];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t micros(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static struct sockaddr_in loopback(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void watch(int epoll, int fd, unsigned events)
{
	struct epoll_event e = {.events = events, .data.fd = fd};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e))
		die("epoll_ctl");
}

// accept_all watches who connects for room to send.
static void accept_all(int listener, int epoll)
{
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		watch(epoll, fd, EPOLLOUT);
}

// send_some fills the socket; one that is closed at its other end is closed here.
static void send_some(int fd, volatile uint64_t *sent)
{
	ssize_t n = send(fd, chunk, CHUNK, MSG_NOSIGNAL);
	if (n > 0)
		*sent += n;
	else if (n < 0 && errno != EAGAIN)
		close(fd);
}

static _Noreturn void serve(const char *port, const char *file)
{
	volatile uint64_t *sent = count_in(file);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in a = loopback(port);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, 1024))
		die("listen");
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(epoll, listener, EPOLLIN);
	struct epoll_event events[EVENTS];
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd == listener)
				accept_all(listener, epoll);
			else
				send_some(fd, sent);
		}
	}
}

static int take(const char *port, int connections, int seconds)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct sockaddr_in a = loopback(port);
	for (int i = 0; i < connections; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a))
			die("connect");
		watch(epoll, fd, EPOLLIN);
	}
	struct epoll_event events[EVENTS];
	int64_t start = micros(), end = start + seconds * 1000000LL, bytes = 0;
	while (micros() < end) {
		int n = epoll_wait(epoll, events, EVENTS, 100);
		for (int i = 0; i < n; i++) {
			ssize_t got = recv(events[i].data.fd, chunk, CHUNK, MSG_DONTWAIT);
			if (got == 0 || (got < 0 && errno != EAGAIN)) {
				fprintf(stderr, "a connection ended\n");
				return 1;
			}
			bytes += got > 0 ? got : 0;
		}
	}
	printf("RESULT %lld %lld\n", (long long)bytes, (long long)(micros() - start));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "serve"))
		serve(argv[2], argv[3]);
	if (argc == 5 && !strcmp(argv[1], "take"))
		return take(argv[2], atoi(argv[3]), atoi(argv[4]));
	fprintf(stderr, "usage: bulk serve PORT FILE | bulk take PORT CONNECTIONS SECONDS\n");
	return 2;
}
