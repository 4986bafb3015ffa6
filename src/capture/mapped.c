// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "capture/mapped.h"

int rs_mapped_open(struct rs_mapped *m, const struct bpf_map *map)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t bytes = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	void *at;

	bytes = (bytes + page - 1) / page * page;
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (at == MAP_FAILED)
		return -errno;
	*m = (struct rs_mapped){ .at = at, .bytes = bytes };
	return 0;
}

void rs_mapped_close(struct rs_mapped *m)
{
	if (m->at)
		munmap(m->at, m->bytes);
	*m = (struct rs_mapped){ 0 };
}
