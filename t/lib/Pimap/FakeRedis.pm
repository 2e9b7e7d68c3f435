package Pimap::FakeRedis;

# A false Redis server.  The mode has its answers: "hello" to each connection
# at once, "ping" to the PING of its greeting (or +PONG), "then" to the next
# command; "close" ends the connection after its answer.

use strict;
use warnings;

use JSON::PP;

use parent qw(Pimap::Fake);


sub answer { $_[0]->mode(JSON::PP->new()->latin1()->encode($_[1])) }


sub new {
    my ($class, %set) = @_;

    return $class->SUPER::new(mode => '{}', %set);
}


sub serve {
    my ($self, $server) = @_;

    my $select = IO::Select->new($server);
    my (%mode, %greeted);

    local $SIG{PIPE} = 'IGNORE';

    while (my @ready = $select->can_read()) {
        for my $fh (@ready) {
            if ($fh == $server) {
                my $client = $server->accept() // next;
                my $mode = JSON::PP->new()->latin1()->decode($self->mode());

                $self->note('accept');
                $mode{$client} = $mode;
                $greeted{$client} = 0;
                $select->add($client);

                next if !defined $mode->{hello};

                _send($client, $mode->{hello});
                _end($select, $client) if $mode->{close};
                next;
            }

            my $mode = $mode{$fh};

            if (!sysread($fh, my $bytes, 65536)) {
                _end($select, $fh);
                next;
            }

            my $text = $greeted{$fh}++ ? $mode->{then} : $mode->{ping};

            $text //= $greeted{$fh} == 1 ? "+PONG\r\n" : '';

            _send($fh, $text);
            _end($select, $fh) if $mode->{close} && length($text);
        }
    }
}


# Writes until the peer closes, maybe in the middle.  "repeat" in the text is
# for answers too large for the mode.

sub _send {
    my ($fh, $text) = @_;

    my ($head, $times, $body) = $text =~ /\A(.*?)repeat (\d+) (.*)\z/s
        ? ($1, $2, $3) : ($text, 0, '');

    syswrite($fh, $head);

    $body = $body x 1000;

    for (1 .. $times) {
        syswrite($fh, $body) or return;
    }
}


sub _end {
    my ($select, $fh) = @_;

    $select->remove($fh);
    CORE::close($fh);
}


1;
