// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include <bpf/libbpf.h>
#include "cmd/cmd.h"
#include "remapscope/trace.h"

#ifndef RS_VERSION
#error "the Makefile defines RS_VERSION"
#endif

int rs_cmd_version(struct rs_cli *cli, int argc, char **argv)
{
	char libbpf[32], trace[16];

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-j") || !strcmp(argv[i], "--json"))
			cli->json = true;
		else
			return rs_fail(cli, RS_EXIT_USAGE, "version: unknown argument \"%s\"",
				       argv[i]);
	}
	snprintf(libbpf, sizeof(libbpf), "%u.%u", libbpf_major_version(), libbpf_minor_version());
	snprintf(trace, sizeof(trace), "%d.%d", RS_TRACE_MAJOR, RS_TRACE_MINOR);
	if (cli->json) {
		json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s}", "version", RS_VERSION,
				      "trace_format", trace, "libbpf", libbpf, "jansson",
				      jansson_version_str(), "zlib", zlibVersion());

		json_dumpf(o, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(o);
	} else {
		printf("remapscope %s\ntrace format %s\nlibbpf %s, jansson %s, zlib %s\n",
		       RS_VERSION, trace, libbpf, jansson_version_str(), zlibVersion());
	}
	return rs_flush_out(cli, RS_EXIT_PASS);
}
