/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/client.h"
#include "agent/varlink.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define SERVICE "org.varlink.service"

enum { SWEEP_US = 1000000, NAME_BYTES = 128 };

struct control {
	sd_event *event;
	const struct control_service *service;
	int fd;
	sd_event_source *source;
	sd_event_source *sweep;
	struct client *clients[CONTROL_CLIENTS_MAX];
};

static const char service_description[] =
	"# What every varlink service answers\n"
	"interface org.varlink.service\n\n"
	"method GetInfo() -> (vendor: string, product: string, version: string,\n"
	"                     url: string, interfaces: []string)\n\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n\n"
	"error InterfaceNotFound (interface: string)\n\n"
	"error MethodNotFound (method: string)\n\n"
	"error MethodNotImplemented (method: string)\n\n"
	"error InvalidParameter (parameter: string)\n\n"
	"error PermissionDenied ()\n\n"
	"error ExpectedMore ()\n";

void call_end(struct call *call)
{
	if (call->client) {
		call->client->call = NULL;
		client_resume(call->client);
	}
	json_decref(call->parameters);
	free(call);
}

/* Takes @message over, which may be NULL for want of memory. */
static int answer(struct call *call, json_t *message)
{
	int error = 0;

	if (call->client && !call->oneway)
		error = message ? client_send(call->client, message) : -ENOMEM;
	json_decref(message);
	return error;
}

void call_reply(struct call *call, json_t *parameters)
{
	if (!parameters)
		parameters = json_object();
	if (answer(call, json_pack("{s:o}", "parameters", parameters)) < 0)
		answer(call, json_pack("{s:s, s:{}}", "error",
				       VARLINK_INTERFACE ".TooLarge", "parameters"));
	call_end(call);
}

void call_error(struct call *call, const char *error, json_t *parameters)
{
	if (!parameters)
		parameters = json_object();
	answer(call, json_pack("{s:s, s:o}", "error", error, "parameters", parameters));
	call_end(call);
}

void call_continue(struct call *call, json_t *parameters)
{
	answer(call, json_pack("{s:o, s:b}", "parameters", parameters, "continues", 1));
}

void call_invalid(struct call *call, const char *parameter)
{
	call_error(call, SERVICE ".InvalidParameter",
		   json_pack("{s:s}", "parameter", parameter));
}

size_t call_backlog(const struct call *call)
{
	return call->client ? client_backlog(call->client) : 0;
}

static void get_info(struct call *call)
{
	call_reply(call, json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "Vigil",
				   "product", "vigil-agent", "version", VERSION, "url",
				   "https://varlink.org/", "interfaces", SERVICE,
				   call->control->service->interface));
}

static void get_interface_description(struct call *call)
{
	const struct control_service *service = call->control->service;
	const char *name =
		json_string_value(json_object_get(call->parameters, "interface"));
	const char *text = NULL;

	if (!name) {
		call_invalid(call, "interface");
		return;
	}
	if (strcmp(name, SERVICE) == 0)
		text = service_description;
	else if (strcmp(name, service->interface) == 0)
		text = service->description;
	if (text)
		call_reply(call, json_pack("{s:s}", "description", text));
	else
		call_error(call, SERVICE ".InterfaceNotFound",
			   json_pack("{s:s}", "interface", name));
}

static void no_method(struct call *call, const char *method)
{
	call_error(call, SERVICE ".MethodNotFound",
		   json_pack("{s:s}", "method", method));
}

static void run_service(struct call *call, const char *method)
{
	if (strcmp(method, SERVICE ".GetInfo") == 0)
		get_info(call);
	else if (strcmp(method, SERVICE ".GetInterfaceDescription") == 0)
		get_interface_description(call);
	else
		no_method(call, method);
}

/* Return: the first parameter that the method does not take, or NULL. */
static const char *unknown_parameter(const struct control_method *method,
				     json_t *parameters)
{
	const char *key;
	json_t *value;

	json_object_foreach(parameters, key, value) {
		const char *const *name = method->parameters;

		while (name && *name && strcmp(*name, key) != 0)
			name++;
		if (!name || !*name)
			return key;
	}
	return NULL;
}

static void run_method(struct call *call, const struct control_method *method)
{
	const char *unknown = unknown_parameter(method, call->parameters);

	if (method->privileged && !call->client->privileged)
		call_error(call, SERVICE ".PermissionDenied", NULL);
	else if (unknown)
		call_invalid(call, unknown);
	else if (method->stream && !call->more)
		call_error(call, SERVICE ".ExpectedMore", NULL);
	else
		method->run(call, call->control->service->context);
}

static void dispatch(struct call *call, const char *method)
{
	const struct control_service *service = call->control->service;
	const char *dot = strrchr(method, '.');
	size_t length = dot ? (size_t)(dot - method) : 0;

	if (length == strlen(SERVICE) && strncmp(method, SERVICE, length) == 0) {
		run_service(call, method);
		return;
	}
	if (length != strlen(service->interface) ||
	    strncmp(method, service->interface, length) != 0) {
		call_error(call, SERVICE ".InterfaceNotFound",
			   json_pack("{s:s#}", "interface", method, (int)length));
		return;
	}
	for (size_t i = 0; i < service->method_count; i++)
		if (strcmp(dot + 1, service->methods[i].name) == 0) {
			run_method(call, &service->methods[i]);
			return;
		}
	no_method(call, method);
}

/* Anything that is no varlink call ends the connection. */
static int on_message(struct client *client, const char *text, size_t size_bytes)
{
	json_t *message = json_loadb(text, size_bytes, JSON_REJECT_DUPLICATES, NULL);
	const char *method = json_string_value(json_object_get(message, "method"));
	json_t *parameters = json_object_get(message, "parameters");
	struct call *call = NULL;

	if (method && strlen(method) < NAME_BYTES &&
	    (!parameters || json_is_object(parameters)))
		call = calloc(1, sizeof(*call));
	if (!call) {
		json_decref(message);
		return -EPROTO;
	}
	call->client = client;
	call->control = client->context;
	call->parameters = parameters ? json_incref(parameters) : json_object();
	call->more = json_is_true(json_object_get(message, "more"));
	call->oneway = json_is_true(json_object_get(message, "oneway"));
	client->call = call;
	if (json_is_true(json_object_get(message, "upgrade")))
		call_error(call, SERVICE ".MethodNotImplemented",
			   json_pack("{s:s}", "method", method));
	else
		dispatch(call, method);
	json_decref(message);
	return 0;
}

static void on_end(struct client *client)
{
	struct control *control = client->context;
	struct call *call = client->call;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (control->clients[i] == client)
			control->clients[i] = NULL;
	if (call) {
		call->client = NULL;
		if (call->on_gone)
			call->on_gone(call);
	}
	client_done(client);
	free(client);
}

/* Who may change the policy: uid 0, and whoever the agent itself is. */
static bool is_privileged(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

/* Return: a free place, or NULL. The last ones are kept for the privileged. */
static struct client **find_place(struct control *control, bool privileged)
{
	struct client **place = NULL;
	size_t free_places = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (!control->clients[i]) {
			place = &control->clients[i];
			free_places++;
		}
	return privileged || free_places > CONTROL_RESERVED ? place : NULL;
}

static int on_connection(sd_event_source *source, int fd, uint32_t events,
			 void *context)
{
	struct control *control = context;
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	bool privileged = peer >= 0 && is_privileged(peer);
	struct client **place = peer >= 0 ? find_place(control, privileged) : NULL;
	struct client *client = place ? calloc(1, sizeof(*client)) : NULL;

	(void)source;
	(void)events;
	if (!client) {
		if (peer >= 0)
			close(peer);
		return 0;
	}
	*client = (struct client){
		.fd = peer,
		.privileged = privileged,
		.on_message = on_message,
		.on_end = on_end,
		.context = control,
	};
	*place = client;
	if (client_start(client, control->event) < 0)
		on_end(client);
	return 0;
}

static int on_sweep(sd_event_source *source, uint64_t when_us, void *context)
{
	struct control *control = context;

	(void)when_us;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (control->clients[i] &&
		    client_expired(control->clients[i], clock_s()))
			on_end(control->clients[i]);
	sd_event_source_set_time_relative(source, SWEEP_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int control_new(sd_event *event, int listen_fd, const struct control_service *service,
		struct control **ret)
{
	struct control *control = calloc(1, sizeof(*control));
	int error;

	if (!control) {
		close(listen_fd);
		return -ENOMEM;
	}
	control->event = event;
	control->service = service;
	control->fd = listen_fd;
	/* One that was passed may block in accept when its caller is gone again. */
	fcntl(listen_fd, F_SETFL, O_NONBLOCK);
	error = sd_event_add_io(event, &control->source, listen_fd, EPOLLIN,
				on_connection, control);
	if (error >= 0)
		error = sd_event_add_time_relative(event, &control->sweep,
						   CLOCK_MONOTONIC, SWEEP_US, SWEEP_US,
						   on_sweep, control);
	if (error < 0) {
		control_free(control);
		return error;
	}
	*ret = control;
	return 0;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (control->clients[i])
			on_end(control->clients[i]);
	sd_event_source_disable_unref(control->source);
	sd_event_source_disable_unref(control->sweep);
	close(control->fd);
	free(control);
}

int control_listen(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd int fd = -1;
	mode_t mask;
	int error;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* Left behind by an agent that was killed. */
	unlink(path);
	mask = umask(0177);
	error = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (!error && listen(fd, SOMAXCONN) < 0)
		error = -errno;
	return error ? error : take_fd(fd);
}
