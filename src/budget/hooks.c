// SPDX-License-Identifier: GPL-2.0-only
/* What a clause is about may have gone unseen where a function could not be traced. */
#include "budget/samples.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static bool missing(const struct rs_result *r, const char *function)
{
	for (size_t i = 0; i < r->nr_hooks; i++)
		if (!r->hook[i].mechanism && !strcmp(r->hook[i].function, function))
			return true;
	return false;
}

static const char *first_missing(const struct rs_result *r, const char *const *hook, size_t nr)
{
	for (size_t i = 0; i < nr && hook[i]; i++)
		if (missing(r, hook[i]))
			return hook[i];
	return NULL;
}

const char *rs_missing_hook(const struct rs_result *r, const struct rs_subject *s)
{
	static const char *const type1[] = {
		"vfio_iommu_type1_ioctl",  "vfio_pin_pages", "vfio_iommu_type1_pin_pages",
		"vfio_unpin_pages",	   "vfio_dma_rw",    "vfio_iommu_type1_unpin_pages",
		"vfio_iommu_type1_dma_rw",
	};
	static const char *const iommufd[] = {
		"iommufd_access_pin_pages",    "iommufd_access_unpin_pages",
		"iommufd_access_rw",	       "iommufd_ioas_map",
		"iommufd_ioas_map_file",       "iommufd_ioas_unmap",
		"iommufd_ioas_change_process",
	};
	bool every = s->kind == RS_SUBJECT_REQUEST && !s->op;
	const char *hook = first_missing(r, every ? type1 : s->hook,
					 every ? ARRAY_SIZE(type1) : ARRAY_SIZE(s->hook));

	if (hook || !r->nr_ioctxs)
		return hook;
	return first_missing(r, every ? iommufd : s->iommufd,
			     every ? ARRAY_SIZE(iommufd) : ARRAY_SIZE(s->iommufd));
}
