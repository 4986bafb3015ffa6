// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults. A correct kernel cannot break some of the rules a verifier checks, so that only a wrong
 * kernel shows that the check bites. Words written to debugfs rs_testdev/inject:
 *
 *   off                 takes every fault away
 *   acct-half           mm_lock_acct() charges half of the pages it should
 *   acct-double         mm_lock_acct() charges twice the pages it should
 *   pinned-half         iopt_pages_update_pinned(), iommufd's, charges half of the pages it should
 *   iommu-flip IOVA DEV takes the page at IOVA out of DEV's IOMMU and puts it back, once, now
 *   emulated-window     UNMAP_DMA does not see the emulated devices, so that a window can open
 *   pin-in-window       vfio_pin_pages() takes every vaddr for valid
 *   pin-unmapped        a device asks for a page again that it has just been told to give back
 *   zero-pin            GUP finds no page, and no error, for the test devices' own pins
 *   offsets NAME=N...   where the fields of vfio_iommu_type1's structs are on this kernel:
 *                       emulated invalid_count dma_list dma_iova dma_size dma_invalid
 *                       (`lab-btfoff --testdev` prints the line); the last two faults need them
 *
 * acct-* change every charge while they are there, also those of a plain map: arm them between the
 * invalidation and the remap, or what is charged too little is uncharged below zero later.
 *
 * The functions are no exports and are reached by probes. No probe has a post_handler, since with
 * one it would need to be the only one to change where the function returns.
 */
#include <linux/debugfs.h>
#include <linux/iommu.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vfio.h>

#include "internal.h"

#if IS_BUILTIN(CONFIG_VFIO_IOMMU_TYPE1)
#define TYPE1(name) name
#else
#define TYPE1(name) "vfio_iommu_type1:" name
#endif
#define NO_OFFSET   (-1)
#define ENDBR_SIZE  4
#define FENTRY_SIZE 5

enum {
	OFF_EMULATED,
	OFF_INVALID_COUNT,
	OFF_DMA_LIST,
	OFF_DMA_IOVA,
	OFF_DMA_SIZE,
	OFF_DMA_INVALID,
	NR_OFFSETS,
};

static const char *const offset_names[NR_OFFSETS] = {
	"emulated", "invalid_count", "dma_list", "dma_iova", "dma_size", "dma_invalid",
};

static int offsets[NR_OFFSETS] = { [0 ... NR_OFFSETS - 1] = NO_OFFSET };
static DEFINE_MUTEX(inject_lock);

static void *field(void *strct, int which)
{
	return strct + offsets[which];
}

/* ---- acct-half, acct-double: mm_lock_acct(task, mm, lock_cap, npage) ---- */

static int acct_half(struct kprobe *kp, struct pt_regs *regs)
{
	if ((long)regs->cx > 0)
		regs->cx /= 2;
	return 0;
}

static int acct_double(struct kprobe *kp, struct pt_regs *regs)
{
	if ((long)regs->cx > 0)
		regs->cx *= 2;
	return 0;
}

/* iopt_pages_update_pinned(pages, npages, inc, user) */
static int pinned_half(struct kprobe *kp, struct pt_regs *regs)
{
	if (regs->dx & 1)
		regs->si /= 2;
	return 0;
}

static struct kprobe acct_probe;
static bool acct_armed;

static int arm_acct(const char *function, kprobe_pre_handler_t handler)
{
	int err;

	if (acct_armed)
		return -EBUSY;
	memset(&acct_probe, 0, sizeof(acct_probe));
	acct_probe.symbol_name = function;
	acct_probe.pre_handler = handler;
	err = register_kprobe(&acct_probe);
	acct_armed = !err;
	return err;
}

/* ---- emulated-window: vfio_iommu_type1_ioctl(iommu, cmd, arg) ---- */

static int ioctl_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct list_head **at = (struct list_head **)ri->data;
	struct list_head *saved = (struct list_head *)(at + 1);
	struct list_head *head;

	if ((unsigned int)regs->si != VFIO_IOMMU_UNMAP_DMA || !regs->di)
		return 1;
	head = field((void *)regs->di, OFF_EMULATED);
	if (list_empty(head))
		return 1;
	list_replace_init(head, saved);
	*at = head;
	return 0;
}

static int ioctl_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct list_head **at = (struct list_head **)ri->data;

	list_splice((struct list_head *)(at + 1), *at);
	return 0;
}
NOKPROBE_SYMBOL(ioctl_entry);
NOKPROBE_SYMBOL(ioctl_return);

static struct kretprobe ioctl_probe;
static bool ioctl_armed;

static int arm_emulated_window(void)
{
	int err;

	if (ioctl_armed)
		return -EBUSY;
	if (offsets[OFF_EMULATED] == NO_OFFSET)
		return -ENXIO;
	memset(&ioctl_probe, 0, sizeof(ioctl_probe));
	ioctl_probe.kp.symbol_name = TYPE1("vfio_iommu_type1_ioctl");
	ioctl_probe.entry_handler = ioctl_entry;
	ioctl_probe.handler = ioctl_return;
	ioctl_probe.data_size = sizeof(struct list_head *) + sizeof(struct list_head);
	ioctl_probe.maxactive = 16;
	err = register_kretprobe(&ioctl_probe);
	ioctl_armed = !err;
	return err;
}

/*
 * ---- pin-in-window: vfio_iommu_type1_pin_pages(iommu, group, iova, npage, prot, pages) ----
 *
 * The count and the range's flag are cleared behind the function's entry, where a tracer's own
 * probe has already run, and put back for the time of each vaddr_get_pfns(): what a tracer sees is
 * what a kernel without the check would have, a translation through an invalid vaddr.
 * One call at a time is changed; another thread's runs as it is.
 */

static struct {
	raw_spinlock_t lock;
	struct task_struct *task;
	void *iommu;
	void *dma;
	unsigned int count;
	int misses_left; /* pages that may still need a vaddr_get_pfns() */
	bool cleared;
} pinning = { .lock = __RAW_SPIN_LOCK_UNLOCKED(pinning.lock) };

static void *find_dma(void *iommu, u64 iova)
{
	struct rb_root *root = field(iommu, OFF_DMA_LIST);
	struct rb_node *node = root->rb_node;

	/* the node is the first member of struct vfio_dma */
	while (node) {
		u64 start = *(dma_addr_t *)field(node, OFF_DMA_IOVA);
		u64 size = *(size_t *)field(node, OFF_DMA_SIZE);

		if (iova < start)
			node = node->rb_left;
		else if (iova - start >= size)
			node = node->rb_right;
		else
			return node;
	}
	return NULL;
}

static void pinning_set(bool cleared)
{
	pinning.cleared = cleared;
	*(unsigned int *)field(pinning.iommu, OFF_INVALID_COUNT) = cleared ? 0 : pinning.count;
	*(bool *)field(pinning.dma, OFF_DMA_INVALID) = !cleared;
}

static int pin_begin(struct kprobe *kp, struct pt_regs *regs)
{
	void *iommu = (void *)regs->di, *dma;
	unsigned long flags;
	unsigned int n;

	n = *(unsigned int *)field(iommu, OFF_INVALID_COUNT);
	dma = n ? find_dma(iommu, regs->dx) : NULL;
	if (!dma || !*(bool *)field(dma, OFF_DMA_INVALID))
		return 0;
	raw_spin_lock_irqsave(&pinning.lock, flags);
	if (!pinning.task) {
		pinning.task = current;
		pinning.iommu = iommu;
		pinning.dma = dma;
		pinning.count = n;
		pinning.misses_left = (int)regs->cx;
		pinning_set(true);
	}
	raw_spin_unlock_irqrestore(&pinning.lock, flags);
	return 0;
}

static int gup_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (READ_ONCE(pinning.task) != current)
		return 1;
	pinning_set(false);
	return 0;
}

static int gup_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (READ_ONCE(pinning.task) == current && --pinning.misses_left > 0)
		pinning_set(true);
	return 0;
}

static int pin_end(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	unsigned long flags;

	if (READ_ONCE(pinning.task) != current)
		return 0;
	raw_spin_lock_irqsave(&pinning.lock, flags);
	if (pinning.cleared)
		pinning_set(false);
	pinning.task = NULL;
	raw_spin_unlock_irqrestore(&pinning.lock, flags);
	return 0;
}
NOKPROBE_SYMBOL(find_dma);
NOKPROBE_SYMBOL(pinning_set);
NOKPROBE_SYMBOL(pin_begin);
NOKPROBE_SYMBOL(gup_entry);
NOKPROBE_SYMBOL(gup_return);
NOKPROBE_SYMBOL(pin_end);

static struct kprobe pin_begin_probe;
static struct kretprobe gup_probe, pin_end_probe;
static bool pin_armed;
static bool pin_unmapped;

static void prepare_kretprobe(struct kretprobe *rp, const char *symbol, kretprobe_handler_t entry,
			      kretprobe_handler_t ret)
{
	memset(rp, 0, sizeof(*rp));
	rp->kp.symbol_name = symbol;
	rp->entry_handler = entry;
	rp->handler = ret;
	rp->maxactive = 16;
}

static int arm_pin_in_window(void)
{
	u8 *code;
	int i, err;

	if (pin_armed)
		return -EBUSY;
	for (i = 0; i < NR_OFFSETS; i++) {
		if (i != OFF_EMULATED && offsets[i] == NO_OFFSET)
			return -ENXIO;
	}
	pinning.task = NULL;
	prepare_kretprobe(&pin_end_probe, TYPE1("vfio_iommu_type1_pin_pages"), NULL, pin_end);
	err = register_kretprobe(&pin_end_probe);
	if (err)
		return err;
	prepare_kretprobe(&gup_probe, TYPE1("vaddr_get_pfns"), gup_entry, gup_return);
	err = register_kretprobe(&gup_probe);
	if (err)
		goto out_end;
	/*
	 * The first instruction behind the tracers' place, which is where the other probe is:
	 * with IBT that is behind an endbr64, on kernels that have probes step over it.
	 */
	memset(&pin_begin_probe, 0, sizeof(pin_begin_probe));
	pin_begin_probe.pre_handler = pin_begin;
	code = (u8 *)pin_end_probe.kp.addr;
	if (code[0] == 0xf3 && code[1] == 0x0f && code[2] == 0x1e && code[3] == 0xfa)
		code += ENDBR_SIZE;
	pin_begin_probe.addr = (kprobe_opcode_t *)(code + FENTRY_SIZE);
	err = register_kprobe(&pin_begin_probe);
	if (err)
		goto out_gup;
	pin_armed = true;
	return 0;

out_gup:
	unregister_kretprobe(&gup_probe);
out_end:
	unregister_kretprobe(&pin_end_probe);
	return err;
}

/*
 * ---- zero-pin: pin_user_pages_remote(mm, start, nr_pages, ...) inside vaddr_get_pfns() ----
 *
 * What afe84f3b7a26 (6.15) mended: GUP of a reserved page returned 0, and that was taken for
 * success. It returns 0 when it is asked for no page too, so that is what is changed: of
 * vaddr_get_pfns() itself a tracer would see the true result. The pfn that the caller reads without
 * its having been written is 0 then, a reserved page, which is never given back.
 */

static int ask_for_none(struct kprobe *kp, struct pt_regs *regs)
{
	if (rs_testdev_pinning(current))
		regs->dx = 0;
	return 0;
}

/* vaddr_get_pfns(mm, vaddr, npages, prot, pfn, ...) */
static int clear_pfn(struct kprobe *kp, struct pt_regs *regs)
{
	if (rs_testdev_pinning(current))
		*(unsigned long *)regs->r8 = 0;
	return 0;
}
NOKPROBE_SYMBOL(ask_for_none);
NOKPROBE_SYMBOL(clear_pfn);

static struct kprobe ask_for_none_probe, clear_pfn_probe;
static bool zero_armed;

static int arm_zero_pin(void)
{
	int err;

	if (zero_armed)
		return -EBUSY;
	memset(&clear_pfn_probe, 0, sizeof(clear_pfn_probe));
	clear_pfn_probe.symbol_name = TYPE1("vaddr_get_pfns");
	clear_pfn_probe.pre_handler = clear_pfn;
	err = register_kprobe(&clear_pfn_probe);
	if (err)
		return err;
	memset(&ask_for_none_probe, 0, sizeof(ask_for_none_probe));
	ask_for_none_probe.symbol_name = "pin_user_pages_remote";
	ask_for_none_probe.pre_handler = ask_for_none;
	err = register_kprobe(&ask_for_none_probe);
	if (err)
		unregister_kprobe(&clear_pfn_probe);
	zero_armed = !err;
	return err;
}

/* ---- iommu-flip: a change of the IOMMU that leaves nothing changed ---- */

static int map_back(struct iommu_domain *domain, unsigned long iova, phys_addr_t phys, size_t size)
{
	int prot = IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	return iommu_map(domain, iova, phys, size, prot, GFP_KERNEL);
#else
	return iommu_map(domain, iova, phys, size, prot);
#endif
}

static int iommu_flip(const char *args)
{
	struct iommu_domain *domain;
	unsigned long long iova;
	struct device *dev;
	phys_addr_t phys;
	char name[40];
	size_t size;
	int err = 0;

	if (sscanf(args, "%lli %39s", (long long *)&iova, name) != 2 || !PAGE_ALIGNED(iova))
		return -EINVAL;
	dev = bus_find_device_by_name(&pci_bus_type, NULL, name);
	if (!dev)
		return -ENODEV;
	domain = iommu_get_domain_for_dev(dev);
	phys = domain ? iommu_iova_to_phys(domain, iova) : 0;
	if (!phys) {
		err = -ENOENT;
		goto out;
	}
	/* Of a huge page the whole comes out, and has to go back. */
	size = iommu_unmap(domain, iova, PAGE_SIZE);
	if (!size) {
		err = -EIO;
		goto out;
	}
	err = map_back(domain, iova & ~(size - 1), phys & ~((phys_addr_t)size - 1), size);
out:
	put_device(dev);
	return err;
}

static void disarm_all(void)
{
	if (acct_armed)
		unregister_kprobe(&acct_probe);
	if (ioctl_armed)
		unregister_kretprobe(&ioctl_probe);
	if (pin_armed) {
		unregister_kprobe(&pin_begin_probe);
		unregister_kretprobe(&gup_probe);
		unregister_kretprobe(&pin_end_probe);
	}
	if (zero_armed) {
		unregister_kprobe(&ask_for_none_probe);
		unregister_kprobe(&clear_pfn_probe);
	}
	zero_armed = false;
	acct_armed = false;
	ioctl_armed = false;
	pin_armed = false;
	WRITE_ONCE(pin_unmapped, false);
}

bool rs_inject_pin_unmapped(void)
{
	return READ_ONCE(pin_unmapped);
}

static int set_offset(char *word)
{
	char *val = strchr(word, '=');
	int i, n, err;

	if (!val)
		return -EINVAL;
	*val++ = '\0';
	err = kstrtoint(val, 0, &n);
	if (err || n < 0 || n > 4096)
		return -EINVAL;
	for (i = 0; i < NR_OFFSETS; i++) {
		if (!strcmp(word, offset_names[i])) {
			offsets[i] = n;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_offsets(char *args)
{
	char *word;
	int err = 0;

	if (ioctl_armed || pin_armed)
		return -EBUSY;
	while (!err && (word = strsep(&args, " "))) {
		if (*word)
			err = set_offset(word);
	}
	return err;
}

static int inject(char *line)
{
	char *args = line;
	char *word = strsep(&args, " ");

	if (!strcmp(word, "offsets"))
		return set_offsets(args);
	if (!strcmp(word, "iommu-flip"))
		return args ? iommu_flip(args) : -EINVAL;
	if (args)
		return -EINVAL;
	if (!strcmp(word, "acct-half"))
		return arm_acct(TYPE1("mm_lock_acct"), acct_half);
	if (!strcmp(word, "acct-double"))
		return arm_acct(TYPE1("mm_lock_acct"), acct_double);
	if (!strcmp(word, "pinned-half"))
		return arm_acct("iopt_pages_update_pinned", pinned_half);
	if (!strcmp(word, "emulated-window"))
		return arm_emulated_window();
	if (!strcmp(word, "pin-in-window"))
		return arm_pin_in_window();
	if (!strcmp(word, "zero-pin"))
		return arm_zero_pin();
	if (!strcmp(word, "pin-unmapped")) {
		WRITE_ONCE(pin_unmapped, true);
		return 0;
	}
	if (strcmp(word, "off"))
		return -EINVAL;
	disarm_all();
	return 0;
}

static ssize_t inject_write(struct file *file, const char __user *buf, size_t len, loff_t *ppos)
{
	char *line;
	int err;

	if (len > 256)
		return -EINVAL;
	line = memdup_user_nul(buf, len);
	if (IS_ERR(line))
		return PTR_ERR(line);
	mutex_lock(&inject_lock);
	err = inject(strim(line));
	mutex_unlock(&inject_lock);
	kfree(line);
	return err ? err : len;
}

static const struct file_operations inject_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = inject_write,
};

void rs_inject_init(struct dentry *dir)
{
	debugfs_create_file("inject", 0200, dir, NULL, &inject_fops);
}

void rs_inject_exit(void)
{
	disarm_all();
}
