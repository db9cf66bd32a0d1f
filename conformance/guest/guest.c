/*
 * A server of bus accesses over COM1. It decides nothing: the host says which port, register or byte
 * of memory is read or written, and how wide.
 *
 * A request is a byte 01, a le16 length and that many bytes of commands. A message back is the two
 * bytes a5 5a, a le16 length, that many bytes, and their sum as one byte. An answer starts with the
 * vector of the exception that ended the commands (plus 1; 0 if none did) and a le16 count of those
 * carried out; their results follow. After a start, and for a byte ff in the place of a request, the
 * guest says hello: kind ff, how it was entered (1 PVH, 2 the 64-bit entry), its command line.
 *
 * A command is its kind, a byte of width (1, 2, 4, 8), and what the kind takes, little endian:
 *   0 in     port 2                     results: the value, as wide as the access
 *   1 out    port 2, value
 *   2 load   address 8, count 1         results: that many values, one after the other
 *   3 store  address 8, value
 *   4 read   address 8, length 2        results: the bytes
 *   5 write  address 8, length 2, bytes
 *   6 fill   address 8, length 2, byte
 *   7 wait   address 8, value, turns 4  reads until another value is there; results: the last one
 *
 * A command line that begins with "sleep" says that the machine has an 8259 that interrupts: the guest
 * halts until the next byte then. Otherwise it looks for it again and again.
 */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

enum { COM1 = 0x3f8, LINE_STATUS = 5, DATA_READY = 1, EMPTY = 0x20, FIFO_DEPTH = 16 };
enum { ENTRIES = 512, TABLES = 64, ROOM = 8192, COMMAND_LINE = 2048, PAGE_FAULT = 14 };
enum { PRESENT = 1, WRITABLE = 2, LARGE = 0x80 };
enum { VECTORS = 32, COM1_IRQ = 4, LINE_VECTOR = VECTORS + COM1_IRQ, GATES = LINE_VECTOR + 1 };
enum { PIC = 0x20, CODE64 = 0x08, INTERRUPT_GATE = 0x8e00 };

struct gate {
	u16 low, selector, flags, middle;
	u32 high, zero;
};

struct gate idt[GATES] __attribute__((aligned(16)));
extern u8 vectors[], line_ready[];
extern u64 top_table[], low_table[];

static u64 tables[TABLES][ENTRIES] __attribute__((aligned(4096)));
static u32 tables_used;
static u8 commands[ROOM], answer[ROOM];
static u32 answered;
static u32 length_of_commands;
static volatile u32 done;
static u8 caught, sleeps;

static inline u32 in(u16 port, u8 width)
{
	u32 value = 0;
	if (width == 1)
		__asm__ volatile("inb %w1, %b0" : "=a"(value) : "Nd"(port), "0"(0));
	else if (width == 2)
		__asm__ volatile("inw %w1, %w0" : "=a"(value) : "Nd"(port), "0"(0));
	else
		__asm__ volatile("inl %w1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void out(u16 port, u32 value, u8 width)
{
	if (width == 1)
		__asm__ volatile("outb %b0, %w1" : : "a"(value), "Nd"(port));
	else if (width == 2)
		__asm__ volatile("outw %w0, %w1" : : "a"(value), "Nd"(port));
	else
		__asm__ volatile("outl %0, %w1" : : "a"(value), "Nd"(port));
}

static u8 receive(void)
{
	while (!(in(COM1 + LINE_STATUS, 1) & DATA_READY))
		if (sleeps)
			/* An interrupt that came since the look is taken after `hlt` at once. */
			__asm__ volatile("sti; hlt; cli" : : : "memory");
		else
			__asm__ volatile("pause");
	return in(COM1, 1);
}

static void send(const u8 *bytes, u32 length)
{
	u32 i;
	for (i = 0; i < length; i++) {
		if (i % FIFO_DEPTH == 0)
			while (!(in(COM1 + LINE_STATUS, 1) & EMPTY))
				__asm__ volatile("pause");
		out(COM1, bytes[i], 1);
	}
}

static void send_answer(void)
{
	u8 head[4] = {0xa5, 0x5a, (u8)answered, (u8)(answered >> 8)};
	u8 sum = 0;
	u32 i;
	for (i = 0; i < answered; i++)
		sum += answer[i];
	send(head, sizeof head);
	send(answer, answered);
	send(&sum, 1);
}

/* A page table for what lies above 4 GiB. When all are used, everything there is forgotten. */
static u64 *table_of(u64 *entry)
{
	u32 i;
	if (!(*entry & PRESENT)) {
		u64 *fresh = tables[tables_used++];
		for (i = 0; i < ENTRIES; i++)
			fresh[i] = 0;
		*entry = (u64)fresh | PRESENT | WRITABLE;
	}
	return (u64 *)(*entry & ~0xfffULL);
}

static void forget_tables(void)
{
	u32 i;
	for (i = 1; i < ENTRIES; i++)
		top_table[i] = 0;
	for (i = 4; i < ENTRIES; i++)
		low_table[i] = 0;
	tables_used = 0;
	__asm__ volatile("mov %0, %%cr3" : : "r"(top_table) : "memory");
}

static void map(u64 address)
{
	u64 *table;
	if (tables_used + 2 > TABLES)
		forget_tables();
	table = table_of(&top_table[address >> 39 & 511]);
	table = table_of(&table[address >> 30 & 511]);
	table[address >> 21 & 511] = (address & ~0x1fffffULL) | PRESENT | WRITABLE | LARGE;
}

void guarded(void);

/* Whether the commands end here: 0 where the access can be tried again. */
u32 trapped(u64 vector, u64 error, u64 address)
{
	if (vector == PAGE_FAULT && !(error & PRESENT) && address < 1ULL << 47) {
		map(address);
		return 0;
	}
	caught = (u8)(vector + 1);
	return 1;
}

static void set_gate(u32 vector, u64 address)
{
	idt[vector].low = (u16)address;
	idt[vector].selector = CODE64;
	idt[vector].flags = INTERRUPT_GATE;
	idt[vector].middle = (u16)(address >> 16);
	idt[vector].high = (u32)(address >> 32);
	idt[vector].zero = 0;
}

static void set_gates(void)
{
	u32 i;
	for (i = 0; i < VECTORS; i++)
		set_gate(i, (u64)vectors + 16 * i);
}

/*
 * Sleep while nobody speaks: the 8259 has the interrupt of COM1 at LINE_VECTOR, and all
 * others masked. The line is set to 115,200 baud, as the UART tells of less than a full FIFO only
 * after four bytes' time.
 */
static void sleep_between(void)
{
	set_gate(LINE_VECTOR, (u64)line_ready);
	out(PIC, 0x11, 1);
	out(PIC + 1, VECTORS, 1);
	out(PIC + 1, 4, 1);
	out(PIC + 1, 1, 1);
	out(PIC + 1, (u8)~(1 << COM1_IRQ), 1);
	out(COM1 + 3, 0x83, 1);
	out(COM1, 1, 1);
	out(COM1 + 1, 0, 1);
	out(COM1 + 3, 3, 1);
	out(COM1 + 4, 0x0b, 1);
	out(COM1 + 1, DATA_READY, 1);
	sleeps = 1;
}

static u64 number(const u8 **at, u32 width)
{
	u64 value = 0;
	u32 i;
	for (i = 0; i < width; i++)
		value |= (u64)(*at)[i] << 8 * i;
	*at += width;
	return value;
}

static void put(u64 value, u32 width)
{
	while (width--) {
		answer[answered++] = (u8)value;
		value >>= 8;
	}
}

static u64 load(u64 address, u8 width)
{
	switch (width) {
	case 1:
		return *(volatile u8 *)address;
	case 2:
		return *(volatile u16 *)address;
	case 4:
		return *(volatile u32 *)address;
	default:
		return *(volatile u64 *)address;
	}
}

static void store(u64 address, u64 value, u8 width)
{
	switch (width) {
	case 1:
		*(volatile u8 *)address = (u8)value;
		break;
	case 2:
		*(volatile u16 *)address = (u16)value;
		break;
	case 4:
		*(volatile u32 *)address = (u32)value;
		break;
	default:
		*(volatile u64 *)address = value;
	}
}

static u64 wait(u64 address, u64 value, u8 width, u32 turns)
{
	u64 seen = load(address, width);
	while (seen == value && turns--) {
		__asm__ volatile("pause" : : : "memory");
		seen = load(address, width);
	}
	return seen;
}

static const u8 *carry_out(const u8 *at)
{
	u8 kind = *at++, width = *at++;
	u64 address = number(&at, kind < 2 ? 2 : 8), value;
	u32 length;
	switch (kind) {
	case 0:
		put(in((u16)address, width), width);
		break;
	case 1:
		out((u16)address, (u32)number(&at, width), width);
		break;
	case 2:
		for (length = *at++; length--; address += width)
			put(load(address, width), width);
		break;
	case 3:
		store(address, number(&at, width), width);
		break;
	case 4:
		for (length = (u32)number(&at, 2); length--; address++)
			put(*(volatile u8 *)address, 1);
		break;
	case 5:
		for (length = (u32)number(&at, 2); length--; address++)
			*(volatile u8 *)address = *at++;
		break;
	case 6:
		length = (u32)number(&at, 2);
		for (value = *at++; length--; address++)
			*(volatile u8 *)address = (u8)value;
		break;
	default:
		value = number(&at, width);
		length = (u32)number(&at, 4);
		put(wait(address, value, width, length), width);
	}
	return at;
}

void run_commands(void)
{
	const u8 *at = commands;
	for (; at < commands + length_of_commands; done++)
		at = carry_out(at);
}

static void carry_out_all(u32 length)
{
	length_of_commands = length;
	done = 0;
	caught = 0;
	answered = 3;
	guarded();
	answer[0] = caught;
	answer[1] = (u8)done;
	answer[2] = (u8)(done >> 8);
}

static u8 hello[2 + COMMAND_LINE];
static u32 hello_length;

static void learn(u64 entry, u64 boot)
{
	/* hvm_start_info.cmdline_paddr, or the zero page's hdr.cmd_line_ptr with its upper half. */
	u64 line = entry == 1 ? load(boot + 24, 8)
			      : load(boot + 0x228, 4) | load(boot + 0xc8, 4) << 32;
	hello[0] = 0xff;
	hello[1] = (u8)entry;
	hello_length = 2;
	while (line && *(u8 *)line && hello_length < sizeof hello)
		hello[hello_length++] = *(u8 *)line++;
}

static u8 told_to_sleep(void)
{
	static const u8 word[] = {'s', 'l', 'e', 'e', 'p'};
	u32 i;
	for (i = 0; i < sizeof word; i++)
		if (hello[2 + i] != word[i])
			return 0;
	return 1;
}

static void greet(void)
{
	answered = 0;
	while (answered < hello_length)
		put(hello[answered], 1);
	send_answer();
}

void serve(u64 entry, u64 boot)
{
	u32 length, i;
	set_gates();
	forget_tables();
	/* FIFOs on, full at 14 bytes: QEMU hands over one byte at a time below that level. */
	out(COM1 + 2, 0xc1, 1);
	learn(entry, boot);
	if (told_to_sleep())
		sleep_between();
	greet();
	for (;;) {
		u8 start = receive();
		if (start == 0xff)
			greet();
		if (start != 1)
			continue;
		length = receive();
		length |= (u32)receive() << 8;
		for (i = 0; i < length; i++)
			commands[i % ROOM] = receive();
		if (length <= ROOM)
			carry_out_all(length);
		send_answer();
	}
}
