// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab-btfoff [NAME=]STRUCT.FIELD...: the byte offsets of fields of vfio_iommu_type1's structs in
 * the running kernel, from the module's BTF or, where it is built in, the kernel's. lab-btfoff --testdev: all those the test device's module
 * needs, as one line to write to its inject file.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>

#define MODULE "vfio_iommu_type1"

static const char *const testdev[] = {
	"emulated=vfio_iommu.emulated_iommu_groups",
	"invalid_count=vfio_iommu.vaddr_invalid_count",
	"dma_list=vfio_iommu.dma_list",
	"dma_iova=vfio_dma.iova",
	"dma_size=vfio_dma.size",
	"dma_invalid=vfio_dma.vaddr_invalid",
};

/* A field is searched for in anonymous structs and unions too. */
static int find_field(const struct btf *btf, int type, const char *field, unsigned int *bits)
{
	const struct btf_type *t = btf__type_by_id(btf, type);
	const struct btf_member *m;
	unsigned int inner;
	int i;

	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	if (!t || !btf_is_composite(t))
		return -ENOENT;
	m = btf_members(t);
	for (i = 0; i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(btf, m[i].name_off);

		*bits = btf_member_bit_offset(t, i);
		if (!strcmp(name, field))
			return 0;
		if (!*name && !find_field(btf, m[i].type, field, &inner)) {
			*bits += inner;
			return 0;
		}
	}
	return -ENOENT;
}

static int print_offset(const struct btf *btf, const char *arg, int first)
{
	const char *what = strchr(arg, '='), *dot;
	char strct[128];
	unsigned int bits;
	int type;

	what = what ? what + 1 : arg;
	dot = strchr(what, '.');
	if (!dot || (size_t)(dot - what) >= sizeof(strct)) {
		fprintf(stderr, "lab-btfoff: %s is not STRUCT.FIELD\n", arg);
		return -EINVAL;
	}
	memcpy(strct, what, dot - what);
	strct[dot - what] = '\0';
	type = btf__find_by_name_kind(btf, strct, BTF_KIND_STRUCT);
	if (type < 0 || find_field(btf, type, dot + 1, &bits) || bits % 8) {
		fprintf(stderr, "lab-btfoff: there is no %s\n", what);
		return -ENOENT;
	}
	printf("%s%.*s%u", first ? "" : " ", (int)(what - arg), arg, bits / 8);
	return 0;
}

int main(int argc, char **argv)
{
	const char *const *args = (const char *const *)argv + 1;
	struct btf *vmlinux, *btf = NULL;
	int i, n = argc - 1, err = 0;

	if (n < 1) {
		fprintf(stderr, "usage: lab-btfoff --testdev | [NAME=]STRUCT.FIELD...\n");
		return 2;
	}
	vmlinux = btf__load_vmlinux_btf();
	if (vmlinux)
		btf = btf__load_module_btf(MODULE, vmlinux);
	/* Built in: its types are the kernel's own. */
	if (vmlinux && !btf && errno == ENOENT)
		btf = vmlinux;
	if (!btf) {
		fprintf(stderr, "lab-btfoff: cannot read the BTF of %s: %s\n", MODULE,
			strerror(errno));
		err = -errno;
		goto out;
	}
	if (n == 1 && !strcmp(args[0], "--testdev")) {
		args = testdev;
		n = sizeof(testdev) / sizeof(testdev[0]);
		printf("offsets ");
	}
	for (i = 0; i < n && !err; i++)
		err = print_offset(btf, args[i], i == 0);
	printf("\n");
out:
	if (btf != vmlinux)
		btf__free(btf);
	btf__free(vmlinux);
	return err ? 1 : 0;
}
