// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest of the QEMU that updates itself: a multiboot program without anything below it. Its life can be
 * read from outside at LIFE: it counts the timer's interrupts, and keeps an edu device at DMA, out of its
 * memory and back into it, the next one begun by the interrupt that ends the last. A reset would begin anew,
 * and count in @boots; lost interrupts would end @dma_good.
 */
#include <stdint.h>

#define LIFE	   ((volatile struct life *)0x200000)
#define DMA_FROM   0x201000u
#define DMA_TO	   0x202000u
#define DMA_SIZE   256u
#define TIMER_RATE 1193182u
#define EDU_VECTOR 0x40u
#define LAPIC(reg) ((volatile uint32_t *)(0xfee00000u + (reg)))

/* Memory is zero before the first boot, and a reset leaves it as it is. */
struct life {
	uint32_t boots;
	uint32_t ticks;
	uint32_t dma_good;
	uint32_t dma_bad; /* arrived, but not with what was sent */
	uint32_t edu;	  /* the device's registers; 0: none */
};

/* edu's registers, see QEMU's docs/specs/edu.rst */
enum {
	EDU_IRQ_STATUS = 0x24,
	EDU_IRQ_ACK = 0x64,
	EDU_DMA_SRC = 0x80,
	EDU_DMA_DST = 0x88,
	EDU_DMA_COUNT = 0x90,
	EDU_DMA_COMMAND = 0x98,
	EDU_BUFFER = 0x40000,
};
enum { EDU_RUN = 1, EDU_TO_RAM = 2, EDU_IRQ = 4 };

enum { PCI_CAP_MSI = 5 };
enum { LAPIC_EOI = 0xb0, LAPIC_SPURIOUS = 0xf0, LAPIC_LINT0 = 0x350 };
enum { PIC1 = 0x20, PIC2 = 0xa0, PIT = 0x40, COM1 = 0x3f8 };

struct gate {
	uint16_t low, selector, flags, high;
} __attribute__((packed));

static struct gate idt[EDU_VECTOR + 1];
static uint32_t edu_round;

/*
 * What the loader looks for, then the way in: the loader's segments are flat, but their selectors are not to
 * be relied on. And the ways in of interrupts.
 */
__asm__(".section .multiboot, \"a\"\n"
	".long 0x1badb002, 0, -0x1badb002\n"
	".data\n"
	".balign 8\n"
	"gdt: .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff\n"
	"gdtr: .word 23\n"
	".long gdt\n"
	".bss\n"
	".balign 16\n"
	".skip 16384\n"
	"stack:\n"
	".text\n"
	".globl _start\n"
	"_start: cli\n"
	"lgdt gdtr\n"
	"ljmp $8, $1f\n"
	"1: mov $16, %eax\n"
	"mov %eax, %ds\n"
	"mov %eax, %es\n"
	"mov %eax, %ss\n"
	"mov $stack, %esp\n"
	"call guest\n"
	"enter_timer: pusha\n"
	"call on_timer\n"
	"popa\n"
	"iret\n"
	"enter_edu: pusha\n"
	"call on_edu\n"
	"popa\n"
	"iret\n");

void enter_timer(void);
void enter_edu(void);
void on_timer(void);
void on_edu(void);
void guest(void);

static void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static uint32_t pci_read(uint32_t slot, uint32_t reg)
{
	uint32_t v;

	__asm__ volatile("outl %0, %1"
			 :
			 : "a"(0x80000000u | slot << 11 | reg), "Nd"((uint16_t)0xcf8));
	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"((uint16_t)0xcfc));
	return v;
}

static void pci_write(uint32_t slot, uint32_t reg, uint32_t v)
{
	__asm__ volatile("outl %0, %1"
			 :
			 : "a"(0x80000000u | slot << 11 | reg), "Nd"((uint16_t)0xcf8));
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"((uint16_t)0xcfc));
}

static void say(const char *s)
{
	for (; *s; s++) {
		while (!(inb(COM1 + 5) & 0x20))
			;
		outb(COM1, *s);
	}
}

static volatile uint32_t *edu(uint32_t reg)
{
	return (volatile uint32_t *)(LIFE->edu + reg);
}

static void dma(uint32_t from, uint32_t to, uint32_t direction)
{
	*edu(EDU_DMA_SRC) = from;
	*edu(EDU_DMA_DST) = to;
	*edu(EDU_DMA_COUNT) = DMA_SIZE;
	*edu(EDU_DMA_COMMAND) = EDU_RUN | direction | EDU_IRQ;
}

/* Every second transfer brings back what the one before has taken. */
static void dma_next(void)
{
	volatile uint32_t *from = (volatile uint32_t *)DMA_FROM, *to = (volatile uint32_t *)DMA_TO;
	uint32_t i, same = 1;

	if (edu_round++ & 1) {
		dma(EDU_BUFFER, DMA_TO, EDU_TO_RAM);
		return;
	}
	if (edu_round > 1) {
		for (i = 0; i < DMA_SIZE / 4; i++)
			same &= to[i] == from[i];
		if (same)
			LIFE->dma_good++;
		else
			LIFE->dma_bad++;
	}
	for (i = 0; i < DMA_SIZE / 4; i++)
		from[i] = edu_round * 0x9e3779b9u + i;
	dma(DMA_FROM, EDU_BUFFER, 0);
}

__attribute__((used)) void on_timer(void)
{
	LIFE->ticks++;
	outb(PIC1, 0x20);
}

__attribute__((used)) void on_edu(void)
{
	uint32_t status = *edu(EDU_IRQ_STATUS);

	*edu(EDU_IRQ_ACK) = status;
	if (status)
		dma_next();
	*LAPIC(LAPIC_EOI) = 0;
}

static void set_gate(uint32_t vector, void (*handler)(void))
{
	uint32_t at = (uint32_t)handler;

	idt[vector] = (struct gate){ (uint16_t)at, 8, 0x8e00, (uint16_t)(at >> 16) };
}

/* A message of the device's is an interrupt of the local APIC, which lets the old controller's through. */
static void set_message(uint32_t slot)
{
	uint32_t at = pci_read(slot, 0x34) & 0xfc;

	while (at && (pci_read(slot, at) & 0xff) != PCI_CAP_MSI)
		at = pci_read(slot, at) >> 8 & 0xfc;
	*LAPIC(LAPIC_SPURIOUS) = 0x1ff;
	*LAPIC(LAPIC_LINT0) = 0x700;
	pci_write(slot, at + 4, 0xfee00000);
	pci_write(slot, at + 8, 0);
	pci_write(slot, at + 12, EDU_VECTOR);
	pci_write(slot, at, pci_read(slot, at) | 1 << 16);
}

static void find_edu(void)
{
	uint32_t slot;

	LIFE->edu = 0;
	for (slot = 0; slot < 32; slot++)
		if (pci_read(slot, 0) == 0x11e81234)
			break;
	if (slot == 32)
		return;
	LIFE->edu = pci_read(slot, 0x10) & ~0xfu;
	/* memory, bus master */
	pci_write(slot, 0x04, (pci_read(slot, 0x04) & 0xffff) | 6);
	set_gate(EDU_VECTOR, enter_edu);
	set_message(slot);
}

static void start_interrupts(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, (uint32_t)idt };

	__asm__ volatile("lidt %0" : : "m"(idtr));
	outb(PIC1, 0x11);
	outb(PIC2, 0x11);
	outb(PIC1 + 1, 32);
	outb(PIC2 + 1, 40);
	outb(PIC1 + 1, 4);
	outb(PIC2 + 1, 2);
	outb(PIC1 + 1, 1);
	outb(PIC2 + 1, 1);
	/* nothing but the timer */
	outb(PIC1 + 1, 0xfe);
	outb(PIC2 + 1, 0xff);
	/* 20 Hz: a processor that is emulated twice has little time. */
	outb(PIT + 3, 0x34);
	outb(PIT, (TIMER_RATE / 20) & 0xff);
	outb(PIT, (TIMER_RATE / 20) >> 8);
	__asm__ volatile("sti");
}

__attribute__((used, noreturn)) void guest(void)
{
	LIFE->boots++;
	find_edu();
	set_gate(32, enter_timer);
	say("guest: started\n");
	start_interrupts();
	if (LIFE->edu)
		dma_next();
	for (;;) {
		__asm__ volatile("hlt");
		if (LIFE->ticks % 20 == 0)
			say(".");
	}
}
