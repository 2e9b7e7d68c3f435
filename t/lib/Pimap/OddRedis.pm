package Pimap::OddRedis;

# A proxy in front of the test's Redis that answers some commands itself.  Its
# mode is a list of rules: the start of a command, its words joined by spaces,
# and the answer to it.  The first rule that fits is taken.  An empty answer
# closes the connection.

use strict;
use warnings;

use IO::Socket::UNIX;
use JSON::PP;

use parent qw(Pimap::Fake);


sub rules { $_[0]->mode(JSON::PP->new()->encode([ @_[1 .. $#_] ])) }


sub bulk { return '$' . length($_[0]) . "\r\n$_[0]\r\n" }


sub serve {
    my ($self, $server) = @_;

    my $select = IO::Select->new($server);
    my (%client, %redis);

    local $SIG{PIPE} = 'IGNORE';

    while (my @ready = $select->can_read()) {
        for my $fh (@ready) {
            if ($fh == $server) {
                my $one = $server->accept() // next;
                my $other = IO::Socket::UNIX->new(
                    Peer => $self->{t}->redis()->socket()) // die "redis\n";

                @redis{$one, $other} = ($other, undef);
                @client{$one, $other} = (undef, $one);
                $select->add($one, $other);
                next;
            }

            my $peer = $client{$fh} // $redis{$fh} // next;
            my $n = sysread($fh, my $bytes, 1 << 20);
            my $answer = $n && $redis{$fh} && $self->_answer($bytes);

            if (defined($answer) && length($answer)) {
                syswrite($fh, $answer);

            } elsif (!$n || defined($answer)) {
                $select->remove($fh, $peer);
                CORE::close($_) for $fh, $peer;
                delete(@client{$fh, $peer});
                delete(@redis{$fh, $peer});

            } else {
                syswrite($peer, $bytes);
            }
        }
    }
}


# pimap-check sends one command, and waits for its answer.

sub _answer {
    my ($self, $bytes) = @_;

    my $command = join(' ', $bytes =~ /^\$\d+\r\n(.*?)\r\n/msg);

    for (@{ JSON::PP->new()->decode($self->mode()) }) {
        return $_->[1] if index($command, $_->[0]) == 0;
    }

    return;
}


1;
