package Pimap::Dns;

# A name server with one name.  Modes: an address; "missing"; "silent".

use strict;
use warnings;

use Socket qw(inet_aton);

use parent qw(Pimap::Fake);


sub listen {
    my ($self) = @_;

    return IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1',
        LocalPort => _port($self)) // die "dns: $!\n";
}


# The UDP socket that locks the number is closed for this one.

sub _port {
    my ($self) = @_;

    my $port = $self->port();

    delete $self->{t}{ports}{$self->{name}}{lock};
    return $port;
}


sub serve {
    my ($self, $socket) = @_;

    while ($socket->recv(my $query, 512)) {
        my $mode = $self->mode();

        $self->note($mode);
        next if $mode eq 'silent';

        $socket->send(_answer($query, $mode));
    }
}


# RFC 1035, 4.1: one question, and an address if the question is for one.

sub _answer {
    my ($query, $mode) = @_;

    my ($id, $question) = unpack('n x10 a*', $query);
    my ($name, $type) = $question =~ /\A((?:[^\0]+)\0)(..)/s or return '';

    my $question_bytes = $name . $type . pack('n', 1);
    my $found = $mode ne 'missing' && unpack('n', $type) == 1;
    my $code = $mode eq 'missing' ? 3 : 0;

    my $record = $found
        ? pack('n n n N n a4', 0xc00c, 1, 1, 1, 4, inet_aton($mode)) : '';

    return pack('n n n n n n', $id, 0x8180 | $code, 1, $found ? 1 : 0, 0, 0)
        . $question_bytes . $record;
}


1;
