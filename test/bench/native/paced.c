// An open-loop load generator: requests are due at fixed moments, whether or not
// earlier ones were answered, and their latency counts from the moment at which
// they were due. So a proxy that stalls pays for all that would have come
// meanwhile (no coordinated omission). Moments are met to some tens of
// microseconds: the program sleeps with the kernel's high resolution timers.
//
// usage: paced PORT HOST RATE SECONDS CONNECTIONS
//
// It writes one line: RESULT requests microseconds errors p50 p99 p99.9 late,
// where late is the 99th percentile of how late requests were sent that found a
// connection free.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, HEAD = 4096, CHUNK = 64 << 10 };

static const int64_t second = 1000000000, grace = 2 * second;

struct conn {
	int fd;
	int64_t due;    // of the request that is being answered
	size_t have;    // bytes of the head so far
	long long body; // bytes of the body to come, or -1 within the head
	char head[HEAD];
};

// figures are nanoseconds, as many as there can be requests.
struct figures {
	int64_t *data;
	size_t len;
};

static struct conn *conns, **idle;
static size_t idle_first, idle_len, conn_count;
static struct figures latencies, lateness;
static struct sockaddr_in address;
static char request[512], chunk[CHUNK];
static size_t request_len;
static int epoll;
static long errors;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * second + t.tv_nsec;
}

static void add(struct figures *f, int64_t value) { f->data[f->len++] = value; }

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

// percentile, in microseconds, of figures that are sorted.
static double percentile(const struct figures *f, double p)
{
	return f->len ? f->data[(size_t)((f->len - 1) * p)] / 1e3 : 0;
}

static void connect_it(struct conn *c)
{
	int on = 1;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address))
		die("connect");
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e))
		die("epoll_ctl");
}

// release makes a connection the last of those that are idle, so that all get
// their turn.
static void release(struct conn *c)
{
	c->have = 0;
	c->body = -1;
	idle[(idle_first + idle_len++) % conn_count] = c;
}

// fail counts an answer that did not come and replaces its connection.
static void fail(struct conn *c)
{
	errors++;
	close(c->fd);
	connect_it(c);
	release(c);
}

// ask sends the request that was due at a moment on the connection that has been
// idle for longest.
static void ask(int64_t due)
{
	struct conn *c = idle[idle_first];
	idle_first = (idle_first + 1) % conn_count;
	idle_len--;
	c->due = due;
	if (send(c->fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len)
		fail(c);
}

// take_head reads what is known of the head; -1 refuses it, else it returns how
// many bytes of the body have come with it.
static ssize_t take_head(struct conn *c)
{
	c->head[c->have] = 0;
	char *end = strstr(c->head, "\r\n\r\n"), *length;
	if (!end)
		return c->have < HEAD - 1 ? 0 : -1;
	if (strncmp(c->head, "HTTP/1.1 200", 12) || !(length = strcasestr(c->head, "\r\ncontent-length:")))
		return -1;
	c->body = atoll(length + 17);
	return c->head + c->have - (end + 4);
}

// answered reads what a connection has; 1: the answer is complete, -1: it is
// none.
static int answered(struct conn *c)
{
	ssize_t n;
	if (c->body < 0) {
		n = recv(c->fd, c->head + c->have, HEAD - 1 - c->have, 0);
		if (n <= 0)
			return n < 0 && errno == EAGAIN ? 0 : -1;
		c->have += n;
		n = take_head(c);
	} else {
		n = recv(c->fd, chunk, sizeof chunk, 0);
		if (n <= 0)
			return n < 0 && errno == EAGAIN ? 0 : -1;
	}
	if (n < 0 || c->body < 0)
		return n < 0 ? -1 : 0;
	c->body -= n;
	return c->body < 0 ? -1 : c->body == 0;
}

static void turn(struct conn *c)
{
	int state = answered(c);
	if (state < 0) {
		fail(c);
	} else if (state > 0) {
		add(&latencies, now() - c->due);
		release(c);
	}
}

// wait_until handles what comes until a moment, at the latest.
static void wait_until(int64_t moment)
{
	struct epoll_event events[EVENTS];
	int64_t left = moment - now();
	struct timespec timeout = {.tv_sec = left / second, .tv_nsec = left % second};
	if (left < 0)
		timeout = (struct timespec){0};
	int n = epoll_pwait2(epoll, events, EVENTS, &timeout, NULL);
	if (n < 0 && errno != EINTR)
		die("epoll_pwait2");
	for (int i = 0; i < n; i++)
		turn(events[i].data.ptr);
}

// run sends request i at i seconds/rate. Those that find no connection free are
// sent as soon as one is, and are as late as that. Those that are not sent or
// answered some time after the last was due are errors.
static void run(int64_t start, long rate, long total)
{
	long sent = 0, waited = -1;
	int64_t end = start + total * second / rate + grace;
	while (sent < total && now() < end) {
		int64_t due = start + sent * second / rate, t = now();
		if (due <= t && idle_len) {
			if (waited != sent)
				add(&lateness, t - due);
			ask(due);
			sent++;
			continue;
		}
		if (due <= t)
			waited = sent;
		wait_until(due <= t ? t + second / 1000 : due);
	}
	while (idle_len < conn_count && now() < end)
		wait_until(end);
	errors += conn_count - idle_len + total - sent;
}

static void open_all(void)
{
	epoll = epoll_create1(EPOLL_CLOEXEC);
	conns = calloc(conn_count, sizeof *conns);
	idle = calloc(conn_count, sizeof *idle);
	if (epoll < 0 || !conns || !idle)
		die("connections");
	for (size_t i = 0; i < conn_count; i++) {
		connect_it(&conns[i]);
		release(&conns[i]);
	}
}

int main(int argc, char **argv)
{
	if (argc != 6) {
		fprintf(stderr, "usage: paced PORT HOST RATE SECONDS CONNECTIONS\n");
		return 2;
	}
	address = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	request_len = snprintf(request, sizeof request, "GET /1k HTTP/1.1\r\nHost: %s\r\n\r\n", argv[2]);
	long rate = atol(argv[3]), total = rate * atol(argv[4]);
	conn_count = atol(argv[5]);
	latencies.data = calloc(total, sizeof(int64_t));
	lateness.data = calloc(total, sizeof(int64_t));
	if (request_len >= sizeof request || !latencies.data || !lateness.data)
		die("requests");
	prctl(PR_SET_TIMERSLACK, 1);
	open_all();
	int64_t start = now();
	run(start, rate, total);
	int64_t spent = now() - start;
	qsort(latencies.data, latencies.len, sizeof(int64_t), ascending);
	qsort(lateness.data, lateness.len, sizeof(int64_t), ascending);
	printf("RESULT %zu %lld %ld %.1f %.1f %.1f %.1f\n", latencies.len, (long long)(spent / 1000), errors,
	       percentile(&latencies, 0.5), percentile(&latencies, 0.99), percentile(&latencies, 0.999),
	       percentile(&lateness, 0.99));
	return 0;
}
