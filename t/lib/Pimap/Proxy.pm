package Pimap::Proxy;

# A TCP proxy in front of the test's Redis, or of another one (to => it).
# Modes: "open"; "deaf": drops the bytes for a connection that subscribes,
# silently; "marker": delays the publishing of a hand-over's marker, and from
# then on the bytes for subscribers; "late": delays only the bytes for
# subscribers; "slow": delays all bytes by 100 ms; "silent": gives new
# connections no answer; "bytes": sends the bytes for subscribers one by one.

use strict;
use warnings;

use IO::Socket::UNIX;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(sleep time);

use parent qw(Pimap::Fake);


sub serve {
    my ($self, $server) = @_;

    my $select = IO::Select->new($server);
    my %peer;
    my %subscribes;
    my %held;
    my @silent;

    local $SIG{PIPE} = 'IGNORE';

    while (1) {
        $self->release(\%held);

        for my $fh ($select->can_read(0.05)) {
            if ($fh == $server) {
                my $client = $server->accept() // next;

                if ($self->mode() eq 'silent') {
                    push(@silent, $client);
                    $self->note('silent');
                    next;
                }

                my $redis = IO::Socket::UNIX->new(
                    Peer => ($self->{to} // $self->{t}->redis())->socket())
                    // next;

                @peer{$client, $redis} = ($redis, $client);
                $select->add($client, $redis);
                $self->note('accept');
                next;
            }

            my $other = $peer{$fh} // next;
            my $bytes;

            if (!sysread($fh, $bytes, 65536)) {
                $select->remove($fh, $other);
                delete @peer{$fh, $other};
                delete @subscribes{$fh, $other};
                CORE::close($_) for $fh, $other;
                next;
            }

            $subscribes{$other} ||= 1 if $bytes =~ /SUBSCRIBE/;

            next if $subscribes{$fh} && $self->deaf_now($fh, \%subscribes);

            if ($held{$other}
                || $self->holds($bytes, $subscribes{$fh}, scalar(%held)))
            {
                $held{$other} //= [$other, $subscribes{$fh}, '',
                    $self->mode() eq 'slow' ? time() + 0.1 : 0];
                $held{$other}[2] .= $bytes;
                next;
            }

            if ($subscribes{$fh} && $self->mode() eq 'bytes') {
                one_by_one($other, $bytes);
                next;
            }

            syswrite($other, $bytes);
        }
    }
}


sub one_by_one {
    my ($fh, $bytes) = @_;

    setsockopt($fh, IPPROTO_TCP, TCP_NODELAY, 1);

    for my $byte (split(//, $bytes)) {
        syswrite($fh, $byte);
        sleep(0.0005);
    }
}


# True if bytes for a subscriber or for Redis have to wait.

sub holds {
    my ($self, $bytes, $subscriber, $others) = @_;

    my $mode = $self->mode();

    return 1 if $mode eq 'slow';
    return $mode eq 'late' || $mode eq 'marker' && $others if $subscriber;
    return if $mode ne 'marker' || $bytes !~ /!handover/;

    $self->note('marker');
    return 1;
}


sub release {
    my ($self, $held) = @_;

    my $mode = $self->mode();

    for my $to (keys(%$held)) {
        my ($fh, $subscriber, $bytes, $due) = @{ $held->{$to} };

        next if $due > time();
        next if $mode eq 'marker' || $mode eq 'late' && $subscriber;

        syswrite($fh, $bytes);
        delete $held->{$to};
    }
}


# A connection that was deaf stays deaf; only a new connection works.

sub deaf_now {
    my ($self, $fh, $subscribes) = @_;

    if ($self->mode() eq 'deaf') {
        $self->note('deaf') if $subscribes->{$fh} == 1;
        $subscribes->{$fh} = 2;
    }

    return $subscribes->{$fh} == 2;
}


1;
