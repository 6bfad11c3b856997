import type { Architecture } from './architecture.ts'
import {
  ENOSYS,
  EPERM,
  type Instruction,
  VERDICT,
  answer,
  encodeProgram,
  ifAnyBit,
  ifAtLeast,
  ifEqual,
  loadArchitecture,
  loadArgument,
  loadNumber,
} from './bpf.ts'
import type { SyscallName } from './syscalls.ts'

/** Bit in the number of a call made in the x32 convention, which has other numbers for the same calls. */
const X32_BIT = 0x4000_0000
const CLONE_THREAD = 0x0001_0000
/** CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NAMESPACES = 0x7e02_0080

/**
 * What no cell needs even while it starts. Node must still be able to open its files and to be executed, so this filter
 * names what is refused; {@link lateFilter} names what is left.
 */
const NEVER: readonly SyscallName[] = [
  ...(['socket', 'connect', 'bind', 'listen', 'accept', 'accept4'] as const),
  ...(['ptrace', 'process_vm_readv', 'process_vm_writev', 'kcmp', 'pidfd_open', 'pidfd_getfd'] as const),
  ...([
    'pidfd_send_signal',
    'mount',
    'umount2',
    'pivot_root',
    'chroot',
    'unshare',
    'setns',
    'fsopen',
    'fsmount',
  ] as const),
  ...(['fsconfig', 'fspick', 'move_mount', 'open_tree', 'mount_setattr', 'mknod', 'mknodat'] as const),
  ...(['bpf', 'perf_event_open', 'userfaultfd', 'keyctl', 'add_key', 'request_key', 'personality'] as const),
  ...(['open_by_handle_at', 'name_to_handle_at', 'shmget', 'shmat', 'shmctl', 'msgget', 'semget', 'mq_open'] as const),
  ...(['kexec_load', 'kexec_file_load', 'init_module', 'finit_module', 'delete_module', 'reboot', 'swapon'] as const),
  ...(['swapoff', 'acct', 'quotactl', 'iopl', 'ioperm', 'modify_ldt', 'settimeofday', 'clock_settime'] as const),
  ...(['adjtimex', 'clock_adjtime', 'sethostname', 'setdomainname', 'syslog', 'vhangup'] as const),
  ...(['fanotify_init', 'lookup_dcookie'] as const),
]

/** What isolates, timers, threads and one socket need. Everything else is refused once a cell is locked down. */
const ALWAYS: readonly SyscallName[] = [
  ...(['read', 'write', 'readv', 'writev', 'close', 'fstat', 'lseek', 'shutdown'] as const),
  ...([
    'poll',
    'ppoll',
    'epoll_create1',
    'epoll_ctl',
    'epoll_wait',
    'epoll_pwait',
    'epoll_pwait2',
    'eventfd2',
  ] as const),
  ...(['mmap', 'munmap', 'mprotect', 'mremap', 'madvise', 'brk', 'mincore'] as const),
  ...(['pkey_mprotect', 'pkey_alloc', 'pkey_free', 'membarrier'] as const),
  ...([
    'futex',
    'sched_yield',
    'sched_getaffinity',
    'sched_getparam',
    'sched_getscheduler',
    'set_robust_list',
    'rseq',
  ] as const),
  ...(['getpid', 'gettid', 'getuid', 'geteuid', 'getgid', 'getegid'] as const),
  ...(['clock_getres', 'clock_nanosleep', 'nanosleep', 'gettimeofday', 'time', 'getrusage', 'times'] as const),
  ...(['sysinfo', 'getrandom', 'getrlimit'] as const),
  ...(['rt_sigaction', 'rt_sigprocmask', 'rt_sigreturn', 'sigaltstack', 'restart_syscall'] as const),
  ...(['exit', 'exit_group'] as const),
]

/** `fcntl` commands on a descriptor's own flags: F_GETFD, F_SETFD, F_GETFL, F_SETFL. None of them can send a signal. */
const FCNTL = [1, 2, 3, 4]
/** `ioctl` requests by which libuv sets a descriptor's flags: FIONREAD, FIONBIO, FIONCLEX, FIOCLEX. */
const IOCTL = [0x541b, 0x5421, 0x5450, 0x5451]
/** `prctl` options: PR_SET_NAME and PR_GET_NAME of a thread, PR_SET_VMA to name memory. */
const PRCTL = [15, 16, 0x5356_4d41]

/**
 * In force from before a cell's Node starts: closes sockets, other processes, namespaces, mounts, kernel interfaces and
 * io_uring (whose ring would go round every later filter). `clone3` looks absent, so that C libraries fall back to
 * `clone`, whose flags a filter can read.
 */
export function earlyFilter(architecture: Architecture): Buffer {
  return assemble(architecture, [
    ...whenCalled(architecture, ['io_uring_setup', 'clone3'], [answer(VERDICT.error(ENOSYS))]),
    ...whenCalled(
      architecture,
      ['clone'],
      [loadArgument(0), ifAnyBit(CLONE_NAMESPACES, 1, 0), answer(VERDICT.allow), answer(VERDICT.error(EPERM))],
    ),
    ...whenCalled(architecture, NEVER, [answer(VERDICT.error(EPERM))]),
    answer(VERDICT.allow),
  ])
}

/**
 * In force from before the first byte of a tenant, in all threads of a cell: lets through what is named and refuses the
 * rest, so that what a future kernel adds is refused, too. Signals reach the cell itself only; clocks are its own; a new
 * thread may be made, a new process may not; no address of a file is ever taken.
 */
export function lateFilter(architecture: Architecture, pid: number): Buffer {
  const refuse = answer(VERDICT.error(EPERM))
  return assemble(architecture, [
    ...whenCalled(architecture, ALWAYS, [answer(VERDICT.allow)]),
    ...whenCalled(architecture, ['kill', 'tgkill'], ifArgumentIs(0, [pid])),
    ...whenCalled(architecture, ['fcntl'], ifArgumentIs(1, FCNTL)),
    ...whenCalled(architecture, ['ioctl'], ifArgumentIs(1, IOCTL)),
    ...whenCalled(architecture, ['prctl'], ifArgumentIs(0, PRCTL)),
    ...whenCalled(architecture, ['clone3'], [answer(VERDICT.error(ENOSYS))]),
    // A thread, never a process.
    ...whenCalled(
      architecture,
      ['clone'],
      [loadArgument(0), ifAnyBit(CLONE_THREAD, 0, 1), answer(VERDICT.allow), refuse],
    ),
    // Clocks below 0 are those of other processes.
    ...whenCalled(
      architecture,
      ['clock_gettime'],
      [loadArgument(0), ifAtLeast(X32_BIT * 2, 1, 0), answer(VERDICT.allow), refuse],
    ),
    // Reading one's own limits: no process named, no new value.
    ...whenCalled(
      architecture,
      ['prlimit64'],
      [
        loadArgument(0),
        ifEqual(0, 0, 5),
        loadArgument(2),
        ifEqual(0, 0, 3),
        loadArgument(2, 'high'),
        ifEqual(0, 0, 1),
        answer(VERDICT.allow),
        refuse,
      ],
    ),
    refuse,
  ])
}

/** Calls in the convention of another architecture end the process: their numbers mean other things. */
function assemble({ audit, name }: Architecture, rules: readonly Instruction[]): Buffer {
  const x32 = name === 'x64' ? [ifAnyBit(X32_BIT, 0, 1), answer(VERDICT.killProcess)] : []
  return encodeProgram([
    loadArchitecture(),
    ifEqual(audit, 1, 0),
    answer(VERDICT.killProcess),
    loadNumber(),
    ...x32,
    ...rules,
  ])
}

/** Takes the steps if the call is one of those named. A step that loads something else must end in an answer. */
function whenCalled(
  architecture: Architecture,
  calls: readonly SyscallName[],
  steps: readonly Instruction[],
): readonly Instruction[] {
  const numbers = calls.map((call) => architecture.number(call)).filter((number) => number !== undefined)
  return numbers.flatMap((number) => [ifEqual(number, 0, steps.length), ...steps])
}

function ifArgumentIs(index: number, values: readonly number[]): readonly Instruction[] {
  return [
    loadArgument(index),
    ...values.flatMap((value) => [ifEqual(value, 0, 1), answer(VERDICT.allow)]),
    answer(VERDICT.error(EPERM)),
  ]
}
