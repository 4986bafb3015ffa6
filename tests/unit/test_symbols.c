// SPDX-License-Identifier: GPL-2.0-only
/* Which of the kernel's symbols stands for a function. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "attach/symbols.h"

#define TYPE1 "vfio_iommu_type1"

/* As Linux 6.1 and 6.12 have them; addresses as kptr_restrict shows them. */
static const char kernel[] = "0000000000000000 T iommu_map\n"
			     "0000000000000000 t __pfx_follow_pte\n"
			     "0000000000000000 T follow_pte\n"
			     "0000000000000000 t twice\n"
			     "0000000000000000 t twice\n"
			     "0000000000000000 D vfio_wait\n"
			     "0000000000000000 t shared_name\n"
			     "0000000000000000 t in_kernel_and_module\n"
			     "0000000000000000 t class_destructor.isra.0\n"
			     "0000000000000000 t class_destructor.isra.1\n"
			     "0000000000000000 t big.constprop.0.isra.0\n"
			     "0000000000000000 t big.constprop.0.isra.0.cold\n"
			     "0000000000000000 t half.part.0\n"
			     "0000000000000000 t half.part.0.cold\n"
			     "0000000000000000 t only_cold.cold\n"
			     "0000000000000000 t odd.isra.x\n"
			     "0000000000000000 t odd.llvm.123\n";
static const char modules[] =
	"0000000000000000 t put_pfn\t[vfio_iommu_type1]\n"
	"0000000000000000 t vfio_unpin_page_external.isra.0\t[vfio_iommu_type1]\n"
	"0000000000000000 t vfio_lock_acct.part.0\t[vfio_iommu_type1]\n"
	"0000000000000000 t vfio_lock_acct_more\t[vfio_iommu_type1]\n"
	"0000000000000000 t in_kernel_and_module\t[vfio_iommu_type1]\n"
	"0000000000000000 t with_copy\t[vfio_iommu_type1]\n"
	"0000000000000000 t with_copy.constprop.0\t[vfio_iommu_type1]\n"
	"0000000000000000 t elsewhere\t[kvm]\n"
	"0000000000000000 t shared_clone.isra.0\t[vfio_iommu_type1]\n"
	"0000000000000000 t shared_clone.isra.0\t[kvm]\n"
	"0000000000000000 t bpf_prog_6deef7357e7b4530_put_pfn\t[bpf]\n";

static struct rs_symbol look(const char *function, const char *module)
{
	struct rs_symbol s = { .function = function, .module = module, .plain = 7, .clone = "x" };
	char text[sizeof(kernel) + sizeof(modules)];
	FILE *f;

	snprintf(text, sizeof(text), "%s%s", kernel, modules);
	f = fmemopen(text, strlen(text), "r");
	assert_non_null(f);
	assert_int_equal(rs_symbols_read(f, &s, 1), 0);
	fclose(f);
	return s;
}

/* name NULL: refused. */
static void chosen(const char *function, const char *module, unsigned int uses, const char *name,
		   const char *why)
{
	struct rs_symbol s = look(function, module);
	char said[160] = "?";
	const char *got = rs_symbol_choose(&s, uses, said, sizeof(said));

	if (name)
		assert_string_equal(got ? got : "none", name);
	else
		assert_null(got);
	assert_string_equal(said, why);
}

static void plain(void **state)
{
	(void)state;
	chosen("iommu_map", NULL, RS_USES_ARGS | RS_USES_RET, "iommu_map", "");
	chosen("put_pfn", TYPE1, RS_USES_ARGS, "put_pfn", "");
	chosen("put_pfn", NULL, RS_USES_ARGS, "put_pfn", "");
	chosen("follow_pte", NULL, 0, "follow_pte", "");
	/* A clone can be asked for by its own name. */
	chosen("half.part.0", NULL, RS_USES_ARGS, "half.part.0", "");
}

static void where(void **state)
{
	(void)state;
	assert_string_equal(look("iommu_map", NULL).home, "");
	assert_string_equal(look("put_pfn", NULL).home, TYPE1);
	assert_string_equal(look("vfio_unpin_page_external", NULL).home, TYPE1);
	/* What may be a module is built in. */
	assert_string_equal(look("iommu_map", TYPE1).home, "");
	assert_int_equal(look("iommu_map", TYPE1).plain, 1);
	/* The module's own beats the kernel's of that name. */
	assert_string_equal(look("in_kernel_and_module", TYPE1).home, TYPE1);
	assert_string_equal(look("in_kernel_and_module", NULL).home, "");
}

static void clones(void **state)
{
	(void)state;
	chosen("vfio_unpin_page_external", TYPE1, 0, "vfio_unpin_page_external.isra.0", "");
	chosen("big", NULL, 0, "big.constprop.0.isra.0", "");
	chosen("vfio_lock_acct", TYPE1, 0, "vfio_lock_acct.part.0",
	       "calls that end in the part inlined elsewhere are not seen");
	chosen("vfio_lock_acct", TYPE1, RS_USES_RET, "vfio_lock_acct.part.0",
	       "calls that end in the part inlined elsewhere are not seen");
	chosen("with_copy", TYPE1, RS_USES_ARGS, "with_copy",
	       "there is with_copy.constprop.0 too: calls of that copy are not seen");
}

static void refused(void **state)
{
	(void)state;
	chosen("vfio_unpin_page_external", TYPE1, RS_USES_ARGS, NULL,
	       "only as vfio_unpin_page_external.isra.0, whose arguments may be others");
	chosen("vfio_lock_acct", TYPE1, RS_USES_ARGS, NULL,
	       "only as vfio_lock_acct.part.0, whose arguments may be others");
	chosen("vfio_unpin_page_external", TYPE1, RS_USES_RET, NULL,
	       "only as vfio_unpin_page_external.isra.0, which may return nothing");
	chosen("class_destructor", NULL, 0, NULL,
	       "only as 2 copies like class_destructor.isra.1: one probe would miss calls");
	chosen("twice", NULL, 0, NULL, "2 functions have this name");
	chosen("in_kernel_and_module", TYPE1, 0, NULL, "2 functions have this name");
	chosen("shared_clone", TYPE1, 0, NULL,
	       "only as shared_clone.isra.0, and another module has one of its kind");
	chosen("elsewhere", TYPE1, 0, NULL, "only another module has a function of this name");
}

static void not_there(void **state)
{
	static const char no[] = "no such symbol: inlined, or not in this kernel";

	(void)state;
	/* Data, the end of a body, another compiler's names, the beginning of a longer name. */
	chosen("vfio_wait", NULL, 0, NULL, no);
	chosen("only_cold", NULL, 0, NULL, no);
	chosen("odd", NULL, 0, NULL, no);
	chosen("follow", NULL, 0, NULL, no);
	chosen("vfio_lock", TYPE1, 0, NULL, no);
	chosen("half.part", NULL, 0, NULL, no);
}

static void many_at_once(void **state)
{
	struct rs_symbol s[3] = { { .function = "iommu_map" },
				  { .function = "vfio_wait", .module = TYPE1 },
				  { .function = "put_pfn", .module = TYPE1 } };
	char text[] = "ffffffff81000000 T iommu_map\n"
		      "garbage\n"
		      "\n"
		      "ffffffff81000000 t \n"
		      "ffffffffc0000000 t put_pfn\t[vfio_iommu_type1]";
	FILE *f = fmemopen(text, strlen(text), "r");

	(void)state;
	assert_int_equal(rs_symbols_read(f, s, 3), 0);
	assert_int_equal(s[0].plain, 1);
	assert_int_equal(s[1].plain + s[1].clones + s[1].others, 0);
	assert_int_equal(s[2].plain, 1);
	assert_string_equal(s[2].home, TYPE1);
	/* All of it has been read. */
	assert_int_equal(rs_symbols_read(f, s, 3), -ENODATA);
	assert_int_equal(s[0].plain, 0);
	fclose(f);
}

static void unreadable(void **state)
{
	struct rs_symbol s = { .function = "iommu_map" };
	FILE *f = fopen("/", "r");

	(void)state;
	assert_non_null(f);
	assert_int_equal(rs_symbols_read(f, &s, 1), -EISDIR);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),      cmocka_unit_test(where),
		cmocka_unit_test(clones),     cmocka_unit_test(refused),
		cmocka_unit_test(not_there),  cmocka_unit_test(many_at_once),
		cmocka_unit_test(unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
