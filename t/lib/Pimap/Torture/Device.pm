package Pimap::Torture::Device;

# A process with many devices that connect, read, are disconnected or leave,
# and come back with their last id.  Each writes a record of the events it got:
#
#     DEVICE h ID          the id from which it starts
#     DEVICE e ID UID      an event
#     DEVICE r ID REASON   a resync, and the id to resume from

use strict;
use warnings;

use Errno qw(EAGAIN EINTR);
use Socket;
use Time::HiRes qw(time);

use constant {
    SLEEP => 1,             # seconds for which a slow device does not read
    TICK => 0.05,
    PATIENCE => 30,         # at the end, until all have all events
    BLIND => 1,             # the same for blind devices, which miss some
};


# dir, port, devices => [number => account, ...], record => file; stay, away =>
# seconds on average; blind => 1: they come without an id

sub new {
    my ($class, %set) = @_;

    open(my $record, '>', $set{record}) or die "$set{record}: $!\n";

    my $self = bless({ %set, out => $record, ready => '', by_fd => [] },
        $class);

    while (my ($n, $account) = splice(@{ $set{devices} }, 0, 2)) {
        push(@{ $self->{all} }, { n => $n, account => $account,
            due => time() + rand($self->{away}) });
    }

    return $self;
}


sub run {
    my ($self) = @_;

    my ($next, $end) = (0);

    while (!$end || time() < $end) {
        my $ready = $self->{ready};

        if (select($ready, undef, undef, TICK) > 0) {
            $self->_read($_)
                for grep { $_ && vec($ready, fileno($_->{fh}), 1) }
                    @{ $self->{by_fd} };
        }

        next if time() < $next;

        $next = time() + TICK;

        if (!$end && -e "$self->{dir}/settle") {
            $self->{settle} = 1;
            $end = time() + ($self->{blind} ? BLIND : PATIENCE);
        }

        $self->_tick($_, $next) for @{ $self->{all} };

        last if $self->{settle} && $self->_all_there();
    }

    close($self->{out}) or die "$self->{record}: $!\n";
}


# After the last event of its account, that is.

sub _all_there {
    my ($self) = @_;

    if (!$self->{last}) {
        open(my $fh, '<', "$self->{dir}/last") or return;
        $self->{last} = { map { split(/\s/) } <$fh> };
    }

    return !grep { ($_->{id} // '') ne $self->{last}{$_->{account}} }
        @{ $self->{all} };
}


sub _tick {
    my ($self, $d, $now) = @_;

    if ($d->{sleeps} && $now > $d->{sleeps}) {
        delete $d->{sleeps};
        vec($self->{ready}, fileno($d->{fh}), 1) = 1;
    }

    return if $d->{fh} && $self->{settle};
    return if $now < $d->{due} && !$self->{settle};

    if (!$d->{fh}) {
        $self->_connect($d);

    } elsif (!$d->{slept} && rand() < 0.1) {
        $d->{slept} = 1;
        $d->{sleeps} = $now + SLEEP;
        $d->{due} = $now + 2 * SLEEP;
        vec($self->{ready}, fileno($d->{fh}), 1) = 0;

    } else {
        $self->_close($d);
    }
}


sub _connect {
    my ($self, $d) = @_;

    socket(my $fh, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";

    if (!connect($fh, sockaddr_in($self->{port}, INADDR_LOOPBACK))) {
        $d->{due} = time() + rand($self->{away});
        return;
    }

    my $id = defined $d->{id} && !$self->{blind}
        ? "Last-Event-ID: $d->{id}\r\n" : '';

    $fh->blocking(0);
    syswrite($fh, "GET /events?account=$d->{account} HTTP/1.1\r\n"
        . "Host: localhost\r\n$id\r\n");

    @{$d}{qw(fh raw body head slept sleeps)} = ($fh, '', '', 0, 0, 0);
    $d->{due} = time() + rand(2 * $self->{stay});
    $self->{by_fd}[fileno($fh)] = $d;
    vec($self->{ready}, fileno($fh), 1) = 1;
}


# Sometimes with a reset; events not read are lost, and come again.

sub _close {
    my ($self, $d) = @_;

    my $fd = fileno($d->{fh});

    setsockopt($d->{fh}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0))
        if rand() < 0.2;

    vec($self->{ready}, $fd, 1) = 0;
    $self->{by_fd}[$fd] = undef;
    close(delete $d->{fh});
    $d->{due} = time() + rand(2 * $self->{away});
}


sub _read {
    my ($self, $d) = @_;

    my $n = sysread($d->{fh}, $d->{raw}, 65536, length($d->{raw}));

    if (!$n) {
        return if !defined $n && ($! == EAGAIN || $! == EINTR);
        return $self->_close($d);
    }

    if (!$d->{head}) {
        $d->{raw} =~ s/\A(HTTP.*?\r\n\r\n)//s or return;
        $d->{head} = $1;
        return $self->_close($d) if $d->{head} !~ m{^HTTP/1.1 200 };
    }

    while ($d->{raw} =~ /\A([0-9a-f]+)\r\n/i) {
        my ($start, $size) = ($+[0], hex($1));

        return if length($d->{raw}) < $start + $size + 2;
        return $self->_close($d) if $size == 0;

        $d->{body} .= substr($d->{raw}, $start, $size);
        substr($d->{raw}, 0, $start + $size + 2) = '';

        while ($d->{body} =~ s/\A(.*?)\n\n//s) {
            $self->_block($d, $1);
        }
    }
}


sub _block {
    my ($self, $d, $block) = @_;

    my ($id) = $block =~ /^id: (.*)$/m;
    my ($event) = $block =~ /^event: (.*)$/m;

    if (!defined $event || $event =~ /^(?:parked|position|retry)$/) {
        return if !defined $id;
        $self->_note($d, 'h', $id);

    } elsif ($event eq 'resync') {
        $self->_note($d, 'r', $id, $block =~ /"reason":"(.*?)"/);

    } elsif ($event ne 'ping') {
        $self->_note($d, 'e', $id // '', $block =~ /"uid":(\d+)/);
    }

    $d->{id} = $id if defined $id;
}


sub _note {
    my ($self, $d, @what) = @_;
    print { $self->{out} } join(' ', $d->{n}, @what), "\n";
}


1;
