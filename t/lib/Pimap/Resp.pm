package Pimap::Resp;

# One connection to Redis: commands and their replies (RESP 2).

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use Socket qw(MSG_DONTWAIT MSG_PEEK);
use Time::HiRes qw(time);

use Pimap::Process qw(patience);


sub connect {
    my ($class, $path) = @_;

    my $socket = IO::Socket::UNIX->new(Peer => $path) or return;

    return bless({ socket => $socket, buffer => '' }, $class);
}


sub send {
    my ($self, @args) = @_;

    my $text = '*' . @args . "\r\n";

    for my $arg (@args) {
        utf8::encode($arg) if utf8::is_utf8($arg);
        $text .= '$' . length($arg) . "\r\n$arg\r\n";
    }

    local $SIG{PIPE} = 'IGNORE';
    syswrite($self->{socket}, $text) or die "redis: lost\n";
}


# Whether the server has closed it, and nothing is left to read.

sub closed {
    my ($self) = @_;

    my $byte = '';

    return defined(recv($self->{socket}, $byte, 1, MSG_PEEK | MSG_DONTWAIT))
        && $byte eq '';
}


# The next reply; undef for nil, and if none arrives in time.

sub reply {
    my ($self, $deadline) = @_;

    $self->{end} = time() + patience($deadline);

    my $line = $self->_line() // return;
    my ($type, $value) = $line =~ /^(.)(.*)/s;

    die "redis: $value\n" if $type eq '-';
    return $value if $type eq '+' || $type eq ':';
    return if $value < 0;
    return [map { $self->reply($deadline) } 1 .. $value] if $type eq '*';

    $self->_fill(sub { length($self->{buffer}) >= $value + 2 }) or return;

    return substr(substr($self->{buffer}, 0, $value + 2, ''), 0, -2);
}


sub command {
    my ($self, @args) = @_;

    $self->send(@args);
    return $self->reply();
}


sub _line {
    my ($self) = @_;

    $self->_fill(sub { $self->{buffer} =~ /\r\n/ }) or return;

    $self->{buffer} =~ s/\A(.*?)\r\n//s;
    return $1;
}


sub _fill {
    my ($self, $enough) = @_;

    my $select = IO::Select->new($self->{socket});

    until ($enough->()) {
        my $left = $self->{end} - time();

        return if $left <= 0 || !$select->can_read($left);

        sysread($self->{socket}, $self->{buffer}, 65536,
            length($self->{buffer})) or return;
    }

    return 1;
}


1;
