package Pimap::Port;

# A free TCP port that stays ours while test files run in parallel: a UDP
# socket on the same number is the lock, for as long as the object lives.

use strict;
use warnings;

use IO::Socket::INET;

# Below the range that the kernel uses for outgoing connections.
use constant { FIRST => 10_000, LAST => 31_999 };


sub take {
    my ($class) = @_;

    for (1 .. 200) {
        my $port = FIRST + int(rand(LAST - FIRST));

        my $lock = IO::Socket::INET->new(Proto => 'udp',
            LocalAddr => '127.0.0.1', LocalPort => $port) or next;

        IO::Socket::INET->new(Proto => 'tcp', Listen => 1,
            LocalAddr => '127.0.0.1', LocalPort => $port) or next;

        return bless({ number => $port, lock => $lock }, $class);
    }

    die "no free port found\n";
}


sub number { $_[0]{number} }


1;
