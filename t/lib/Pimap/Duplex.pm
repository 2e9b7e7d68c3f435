package Pimap::Duplex;

# A request whose body stays open, with lines in both directions.
#
#     my $d = $t->duplex('alice', transport => 'h2');
#     is($d->json()->{event}, 'parked');
#     $d->say({ id => 1, update => 'x' });

use strict;
use warnings;

use JSON::PP;
use Time::HiRes qw(time);

use Pimap::Missing;
use Pimap::Process qw(patience);
use Pimap::Stream;

use parent -norequire, qw(Pimap::Stream);

my $json = JSON::PP->new()->utf8()->canonical();


# A chunk of HTTP/1.1; an empty one is the last.

sub chunk { return sprintf("%x\r\n%s\r\n", length($_[0]), $_[0]) }


# Sends bytes of the body, on any transport.

sub up {
    my ($self, $bytes) = @_;

    return $self->{process} ? $self->send($bytes)
        : $self->send_all(chunk($bytes));
}


sub say { $_[0]->up($json->encode($_[1]) . "\n") }


# Ends the body.

sub finish {
    my ($self) = @_;

    return $self->{process} ? $self->{process}->hush()
        : $self->send_all(chunk(''));
}


# The next line except pings, decoded, or a Pimap::Missing.

sub json {
    my ($self, $deadline) = @_;

    my $end = time() + patience($deadline);

    while ($self->_wait(sub { $self->{body} =~ /\n/ }, $end)) {
        $self->{body} =~ s/\A(.*)\n//;

        my $object = eval { $json->decode($1) }
            // return { event => "no JSON: $1" };

        return $object if ($object->{event} // '') ne 'ping';
    }

    return Pimap::Missing->new();
}


1;
