/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lab-client: owns vfio devices and does a list of operations with them, in order.
 *
 * Two kinds of state: what is true of the containers whoever looks (struct lab_shared, in a
 * memfd that every process of the family maps), and what is true of one process only, file
 * descriptors and addresses (struct lab_proc, plain data, copied by exec and by sendfds).
 */
#ifndef LAB_H
#define LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LAB_NAME	   40
#define LAB_MAX_CONTAINERS 8
#define LAB_MAX_DEVICES	   8
#define LAB_MAX_MEMS	   16
#define LAB_MAX_RANGES	   512
#define LAB_MAX_DRIVERS	   4
#define LAB_MAX_CHILDREN   16
#define LAB_MAX_TOKENS	   16
#define LAB_MAX_VMS	   4
#define LAB_MAX_VCPUS	   4
#define LAB_MAX_IRQS	   5
#define LAB_FIRST_IRQ	   3
#define LAB_TIMEOUT_MS	   30000
#define LAB_KEEP_MS	   120000
#define LAB_STATE_ENV	   "LAB_CLIENT_STATE"

struct lab_range {
	uint32_t used;
	uint32_t container;
	uint32_t mem;
	uint32_t invalid;
	uint32_t prot; /* VFIO_DMA_MAP_FLAG_READ, _WRITE */
	uint32_t reserved;
	uint64_t iova;
	uint64_t size;
	uint64_t off;
	uint64_t vaddr;
};

/* One DMA driver process; the words it shares with the others are accessed atomically. */
struct lab_driver {
	uint32_t active;
	uint32_t stop;
	uint32_t stopped;
	uint32_t pause;
	uint32_t paused;
	uint32_t mem;
	int32_t pid;
	uint64_t count;
	uint64_t mark;
	uint64_t bad;
	char first_bad[160];
};

/* What every process of the family asked for, by operation and what came back; see total.c. */
enum lab_call {
	LAB_CALL_PIN,
	LAB_CALL_UNPIN,
	LAB_CALL_READ,
	LAB_CALL_WRITE,
	LAB_CALL_MAP,
	LAB_CALL_UNMAP,
	LAB_NR_CALLS,
};

#define LAB_NR_RESULTS 12

struct lab_shared {
	uint64_t totals[LAB_NR_CALLS][LAB_NR_RESULTS];
	uint32_t ncontainers;
	uint32_t nkilled;
	int32_t killed[LAB_MAX_CHILDREN];
	uint32_t iommu_set[LAB_MAX_CONTAINERS];
	struct lab_range ranges[LAB_MAX_RANGES];
	struct lab_driver drivers[LAB_MAX_DRIVERS];
};

/* A guest's memory: code and vectors, and what is counted in it; the rest is not looked at. */
#define LAB_GUEST_MAGIC 0x6c616267

struct lab_guest {
	uint8_t code[0x2000];
	uint32_t count[LAB_MAX_VCPUS]; /* by each vCPU */
	uint32_t irqs[LAB_MAX_IRQS];   /* interrupts that came */
	/* These are the client's: */
	uint32_t magic;
	uint32_t had[LAB_MAX_VCPUS]; /* what the vCPU had counted when it was last stopped */
	uint32_t due[LAB_MAX_IRQS];  /* how many interrupts it has to have had */
};

struct lab_container {
	bool used;
	bool v1;
	uint32_t ioas; /* its id; 0: a type1 container */
	int fd;
	char name[LAB_NAME];
};

struct lab_device {
	bool used;
	bool testdev;
	int container;
	int group_fd;
	int fd;
	int irq_fd;	  /* the eventfd of its interrupt, -1: none */
	uint32_t irq_mem; /* the memory of the guest that has it */
	uint64_t bar_off;
	uint64_t bar_size;
	void *bar;
	char name[LAB_NAME]; /* as the kernel names it: a BDF or rs_testdev.N */
};

struct lab_mem {
	bool used;
	bool huge;
	bool anon;
	bool ro;
	bool bar; /* a device's BAR0: no pattern, and no struct pages */
	int fd;
	uint64_t fd_off;
	uint64_t size;
	uint64_t seed;
	void *addr; /* the newest mapping of this process, NULL: none yet */
	char name[LAB_NAME];
};

struct lab_child {
	pid_t pid;
	int keep_fd; /* a byte written here lets the child go; -1: it goes by itself */
};

struct lab_proc {
	int current;
	int shared_fd;
	int keep_done;	  /* to tell the parent of fork:keep{ that the operations are done */
	int keep_release; /* and to hear from it that we may go; -1: no such parent */
	struct lab_container containers[LAB_MAX_CONTAINERS];
	struct lab_device devices[LAB_MAX_DEVICES];
	struct lab_mem mems[LAB_MAX_MEMS];
	struct lab_child children[LAB_MAX_CHILDREN];
};

struct lab_vm;

struct lab {
	struct lab_proc p;
	struct lab_shared *shared;
	struct lab_vm *vms[LAB_MAX_VMS]; /* of this process alone */
	bool verbose;
	bool leave; /* an `exit:N` was done: run nothing more */
	int status;
	int peer_fd; /* the other side of recvfds, open as long as we live */
	const char *progname;
};

struct op {
	struct lab *lab;
	const char *text;
	char buf[256];
	char *tok[LAB_MAX_TOKENS];
	bool taken[LAB_MAX_TOKENS];
	int n;
	uint64_t size;	  /* of an unmap, 0: the range's own */
	const char *fail; /* the errnos expected, NAME[/NAME...]; NULL: success */
	/* the rest of the list, for the operations that take some of it along */
	char **rest;
	int nrest;
	int consumed;
};

/* op.c: the words of one operation */
int op_parse(struct op *op, struct lab *lab, const char *text);
const char *op_word(struct op *op);
int op_name(struct op *op, const char *what, const char **name);
bool op_flag(struct op *op, const char *word);
const char *op_key(struct op *op, const char *key);
int op_number(struct op *op, const char *what, uint64_t *val);
int op_key_number(struct op *op, const char *key, uint64_t *val, bool *given);
int op_end(struct op *op);
int parse_size(const char *s, uint64_t *val);
int op_fail(struct op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int op_usage(struct op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void op_say(struct op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int op_expect(struct op *op, const char *what, int err);
const char *errno_name(int err);

/* main.c */
int lab_run(struct lab *lab, char **words, int n);
int lab_main(struct lab *lab, char **words, int n);

/* state.c: the state of a process and its ways into another one */
int lab_state_init(struct lab *lab);
int lab_state_load(struct lab *lab);
int lab_state_save(struct lab *lab);
int op_sendfds(struct op *op);
int op_recvfds(struct op *op);

/* total.c: what was asked for and what came back */
void lab_count(struct lab *lab, enum lab_call call, int err);
void lab_print_totals(struct lab *lab);

/* vfio.c: containers, groups, devices */
struct lab_container *lab_current(struct op *op);
struct lab_container *lab_find_container(struct lab *lab, const char *name);
int lab_new_container(struct op *op, struct lab_container **new);
struct lab_device *lab_find_device(struct lab *lab, const char *name);
int lab_device_name(const char *alias, char *name);
int lab_device_map_bar(struct lab_device *dev);
int op_container(struct op *op);
int op_use(struct op *op);
int op_group(struct op *op);
int op_detach(struct op *op);
int op_close(struct op *op);
int op_cloexec(struct op *op);
int op_extension(struct op *op);
int op_requests(struct op *op);

/* iommufd.c: contexts and their ioas */
int lab_map_ioas(const struct lab_container *c, const struct lab_mem *mem,
		 const struct lab_range *r, bool file);
int lab_unmap_ioas(const struct lab_container *c, uint64_t iova, uint64_t *size);
int lab_bind(struct op *op, const struct lab_container *c, struct lab_device *dev, bool attach);
int op_iommufd(struct op *op);
int op_ioas(struct op *op);
int op_free(struct op *op);
int op_copy(struct op *op);
int op_change(struct op *op);
int op_attach(struct op *op);

/* mem.c: memory */
struct lab_mem *lab_find_mem(struct lab *lab, const char *name);
uint64_t pattern_word(const struct lab_mem *mem, uint64_t off);
void pattern_fill(const struct lab_mem *mem, void *at, uint64_t off, uint64_t len);
int mem_map_fresh(struct lab_mem *mem, bool priv, uint64_t old, void **addr);
void mem_read_all(const struct lab_mem *mem, const void *addr);
int mem_map_rw(struct lab_mem *mem, void **addr);
void mem_unmap_rw(struct lab_mem *mem, void *addr);
int op_mem(struct op *op);
int op_punch(struct op *op);
int op_drop(struct op *op);
int op_check(struct op *op);

/* type1.c: the DMA mappings */
struct lab_range *lab_range_at(struct lab *lab, int container, uint64_t iova);
int lab_map_dma(struct lab *lab, const struct lab_container *c, uint32_t flags, uint64_t vaddr,
		uint64_t iova, uint64_t size);
int lab_unmap_dma(struct lab *lab, const struct lab_container *c, uint32_t flags, uint64_t iova,
		  uint64_t *size);
int op_map(struct op *op);
int op_inval(struct op *op);
int op_remap(struct op *op);
int op_unmap(struct op *op);

/* dma.c: a process that keeps a device busy */
int op_dma(struct op *op);
int dma_pause(struct lab *lab, uint32_t mem, bool on);

/* proc.c: processes, limits, capabilities */
int op_exec(struct op *op);
int op_fork(struct op *op);
int op_launch(struct op *op);
int op_wait(struct op *op);
int op_kill(struct op *op);
int op_doom(struct op *op);
int op_exit(struct op *op);
int op_sleep(struct op *op);
int op_await(struct op *op);
int op_touch(struct op *op);
int op_memlock(struct op *op);
int op_dropcap(struct op *op);
int lab_exec(struct lab *lab, char **argv);
int64_t now_ms(void);
void nap_ms(unsigned int ms);

/* kvm.c: virtual machines */
struct lab_vm *lab_vm_named(struct op *op, const char *name);
int lab_vm_fd(const struct lab_vm *vm);
uint32_t lab_vm_mem(const struct lab_vm *vm);
int op_vm(struct op *op);
int op_vcpus(struct op *op);

/* irq.c: a device's interrupt */
int op_irq(struct op *op);
int op_irqfd(struct op *op);
int op_fire(struct op *op);

/* testdev.c: the test device and the faults of its module */
struct rs_testdev_pin;
struct rs_testdev_rw;
int testdev_pin(struct lab *lab, const struct lab_device *dev, struct rs_testdev_pin *arg);
int testdev_unpin(struct lab *lab, const struct lab_device *dev, struct rs_testdev_pin *arg);
int testdev_rw(struct lab *lab, const struct lab_device *dev, struct rs_testdev_rw *arg);
int op_pin(struct op *op);
int op_unpin(struct op *op);
int op_read(struct op *op);
int op_write(struct op *op);
int op_inject(struct op *op);

/* load.c: requests at random, or in step, by several threads */
int op_burst(struct op *op);
int op_crowd(struct op *op);

/* stress.c: all of it at once */
int op_stress(struct op *op);

#endif
