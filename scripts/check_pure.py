#!/usr/bin/env python3
"""Pure modules reach for no clock, socket, file, random number or thread: asks nm what their objects leave undefined.

Reads build/dev/src/libgodwit_MODULE.a. The inside of TLS (transport/tls*) may use OpenSSL whole; elsewhere only its hashes.
"""
import re
import subprocess
import sys

from source_files import ROOT, report

PURE = ["base", "topic", "mqtt", "transport", "store", "auth", "rules", "devices", "metering", "broker", "config"]

BANNED = {
    "clock": r"clock_gettime|clock_getres|gettimeofday|time|times|clock|nanosleep|clock_nanosleep|usleep|sleep|timerfd_\w+|"
             r"localtime(_r)?|mktime|std::chrono::(_V2::)?\w*_clock::now\b.*|std::this_thread::.*|std::filesystem::.*clock.*",
    "socket": r"socket|socketpair|connect|bind|listen|accept4?|send|sendto|sendmsg|sendmmsg|recv|recvfrom|recvmsg|recvmmsg|"
              r"poll|ppoll|p?select|epoll_\w+|eventfd|getaddrinfo|gethostbyname\w*|[gs]etsockopt|shutdown|io_uring_\w+",
    "file": r"open(64|at|at64)?|creat(64)?|read|write|p?readv?(64)?|p?writev?(64)?|close|fopen(64)?|fdopen|freopen(64)?|fread|"
            r"fclose|getline|unlink(at)?|rename(at)?|mkdir|rmdir|opendir|readdir(64)?|[fl]?stat(64|x)?|fstatat(64)?|mmap(64)?|"
            r"ftruncate(64)?|f(data)?sync|lseek(64)?|ioctl|fcntl(64)?|std::basic_(i|o)?(fstream|filebuf)<.*|"
            r"std::filesystem::.*|std::cin|std::__basic_file<.*",
    "random": r"s?random(_r)?|s?rand(_r)?|[dlm]rand48|getrandom|getentropy|arc4random\w*|std::random_device::.*",
    "thread": r"pthread_(?!self$)\w+|thrd_\w+|mtx_\w+|cnd_\w+|sem_\w+|futex|std::(thread|mutex|condition_variable|"
              r"recursive_mutex|shared_mutex|jthread|future|promise|__future_base|__condvar)\b.*|std::__throw_system_error.*",
    "process": r"fork|vfork|exec\w+|system|popen|kill|raise|signal|sigaction|getenv|secure_getenv|setenv|std::getenv",
    "OpenSSL beyond its hashes": r"(SSL|BIO|X509|PEM|RAND|SSL_CTX|OPENSSL_init)_\w+",
}
RULES = [(what, re.compile(rf"(?:{names})\Z")) for what, names in BANNED.items()]
INSIDE_OF_TLS = re.compile(r"transport/.*\btls\w*\.cpp|^tls\w*\.cpp")


def offence(symbol, member):
    """What the symbol reaches for, or None. Symbol as nm -C names it, with or without @VERSION."""
    name = symbol.split("@", 1)[0]
    for what, rule in RULES:
        if rule.match(name):
            return None if what.startswith("OpenSSL") and INSIDE_OF_TLS.search(member) else what
    return None


def undefined(library):
    """(object, symbol) of everything that the objects of a library take from outside."""
    out = subprocess.run(["nm", "-A", "-u", "-C", library], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        where, symbol = re.match(r"(.*?):\s+[UwWvV] (.*)", line).groups()
        yield where.rsplit(":", 1)[-1], symbol


def main():
    faults = []
    for module in PURE:
        library = ROOT / f"build/dev/src/libgodwit_{module}.a"
        if not library.exists():
            if any((ROOT / "src" / module).glob("**/*.cpp")):
                faults.append(f"src/{module}:1: {library.relative_to(ROOT)} is not built; run ./dev build")
            continue
        for member, symbol in undefined(str(library)):
            if what := offence(symbol, member):
                faults.append(f"src/{module}/{member.removesuffix('.o')}:1: uses {symbol} ({what}), but {module} is pure")
    return report("pure", faults, "take time, bytes and random numbers as arguments; src/os and src/server hand them in")


if __name__ == "__main__":
    sys.exit(main())
