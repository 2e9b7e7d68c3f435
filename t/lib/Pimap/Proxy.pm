package Pimap::Proxy;

# A TCP proxy in front of the test's Redis.  Modes: "open"; "deaf": what
# comes to a connection that subscribes is dropped, and nobody is told.

use strict;
use warnings;

use IO::Socket::UNIX;

use parent qw(Pimap::Fake);


sub serve {
    my ($self, $server) = @_;

    my $select = IO::Select->new($server);
    my %peer;
    my %subscribes;

    local $SIG{PIPE} = 'IGNORE';

    while (my @ready = $select->can_read()) {
        for my $fh (@ready) {
            if ($fh == $server) {
                my $client = $server->accept() // next;
                my $redis = IO::Socket::UNIX->new(
                    Peer => $self->{t}->redis()->socket()) // next;

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

            syswrite($other, $bytes);
        }
    }
}


# A connection that was deaf once stays so: only a new one is any good.

sub deaf_now {
    my ($self, $fh, $subscribes) = @_;

    if ($self->mode() eq 'deaf') {
        $self->note('deaf') if $subscribes->{$fh} == 1;
        $subscribes->{$fh} = 2;
    }

    return $subscribes->{$fh} == 2;
}


1;
