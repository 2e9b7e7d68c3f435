package Bench::Gauge;

# Reads the memory and CPU of a tree of processes and of the kernel, and the
# description of the machine.

use strict;
use warnings;

use Time::HiRes qw/sleep/;

sub slurp {
    my ($path) = @_;

    open my $fh, '<', $path or return '';
    local $/;

    return <$fh> // '';
}

# A process and all its descendants.

sub tree {
    my ($pid) = @_;

    my %children;

    for my $path (glob '/proc/[0-9]*/stat') {
        push @{$children{$2}}, $1
            if slurp($path) =~ /^(\d+) \(.*\) \S (\d+)/s;
    }

    my @found = ($pid);

    for (my $i = 0; $i < @found; $i++) {
        push @found, @{$children{$found[$i]} // []};
    }

    return @found;
}

# Proportional: pages that the processes share are counted once.  Pages of
# files are left out: they are the programs, whose share becomes smaller when a
# client with the same libraries starts.

sub memory {
    my ($pid) = @_;

    my $kb = 0;

    for (tree($pid)) {
        my $text = slurp("/proc/$_/smaps_rollup");

        $kb += $1 while $text =~ /^Pss_(?:Anon|Shmem):\s+(\d+) kB/mg;
    }

    return $kb * 1024;
}

# The same when it has stopped moving: after ten quiet seconds, in which it
# may give memory back, three readings within 0.1 per cent.

sub settled {
    my ($pid) = @_;

    my @last = (0) x 3;

    sleep 10;

    for (1 .. 40) {
        @last = (@last[1, 2], memory($pid));

        my ($min, $max) = (sort { $a <=> $b } @last)[0, 2];
        last if $max - $min <= $max / 1000;

        sleep 0.5;
    }

    return $last[2];
}

# CPU time in ns.

sub cpu {
    my ($pid) = @_;

    my $ns = 0;

    for (tree($pid)) {
        $ns += $1 if slurp("/proc/$_/schedstat") =~ /^(\d+) /;
    }

    return $ns;
}

# The time used on all CPUs by all processes, in ns; in ticks of 10 ms.

sub busy {
    my ($user, $nice, $system, undef, undef, $irq, $softirq) =
        slurp('/proc/stat') =~ /^cpu +(\d+)@{[ ' (\d+)' x 6 ]}/;

    return ($user + $nice + $system + $irq + $softirq) * 1e7;
}

# Moves this process, and those that it starts, to these CPUs: "last", or all
# others.  With one CPU this changes nothing.

sub pin {
    my ($which) = @_;

    my $last = qx(nproc --all) - 1;

    return if $last == 0;

    system("taskset -cp @{[$which eq 'last' ? $last : '0-' . ($last - 1)]}"
        . " $$ > /dev/null") == 0 or die "taskset fails\n";
}

# Objects in use, not slabs: those of earlier sockets stay allocated.

sub kernel {
    my $bytes = 0;
    my $slabs = slurp('/proc/slabinfo');

    $bytes += $1 * $2
        while $slabs =~ /^\S+\s+(\d+)\s+\d+\s+(\d+)/mg;

    return $bytes;
}

sub available {
    return slurp('/proc/meminfo') =~ /^MemAvailable:\s+(\d+)/m ? $1 * 1024
        : die "no MemAvailable\n";
}

sub cpus {
    my $n = () = slurp('/proc/cpuinfo') =~ /^processor\s*:/mg;

    return $n;
}

sub machine {
    my ($cpu) = slurp('/proc/cpuinfo') =~ /^model name\s*:\s*(.*)/m;
    my $cpus = cpus();
    my ($kb) = slurp('/proc/meminfo') =~ /^MemTotal:\s+(\d+)/m;
    my ($os) = slurp('/etc/os-release') =~ /^PRETTY_NAME="(.*)"/m;
    my ($kernel) = slurp('/proc/sys/kernel/osrelease') =~ /(\S+)/;
    my ($load) = slurp('/proc/loadavg') =~ /^(\S+)/;

    return (
        ['CPU', "$cpus x " . ($cpu // 'unknown')],
        ['memory', sprintf('%.1f GiB', $kb / 1048576)],
        ['system', ($os // 'unknown') . ", Linux $kernel"],
        ['nginx', version('nginx -v', qr{nginx/(\S+)})],
        ['OpenSSL', version('openssl version', qr{OpenSSL (\S+)})],
        ['Redis', version('redis-server --version', qr{v=(\S+)})],
        ['nchan', version('dpkg-query -W -f \'${Version}\''
            . ' libnginx-mod-nchan', qr{(\S+)})],
        ['Dovecot', version('dovecot --version', qr{(\S+)})],
        ['load before', $load],
    );
}

sub version {
    my ($command, $match) = @_;

    return `$command 2>&1` =~ $match ? $1 : 'unknown';
}

1;
