package Pimap::WebSocket;

# A WebSocket's client side, frame by frame, valid or not as the test needs.
#
#     my $w = $t->websocket('alice', transport => 'https');
#     is($w->json()->{event}, 'parked');
#     $w->send($w->frame(TEXT, '{}'));

use strict;
use warnings;

use Compress::Raw::Zlib;
use Digest::SHA qw(sha1_base64);
use Exporter qw(import);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

use Pimap::Missing;
use Pimap::Process qw(patience);

use parent -norequire, qw(Pimap::Stream);

our @EXPORT = qw(MORE TEXT BINARY CLOSE PING PONG RSV1 frame deflated
    inflated);

use constant { MORE => 0, TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9,
    PONG => 10, RSV1 => 4 };

my $guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
my $key = encode_base64('the sample nonce', '');


# The headers of a handshake.

sub headers {
    return (Upgrade => 'websocket', Connection => 'Upgrade',
        'Sec-WebSocket-Version' => 13, 'Sec-WebSocket-Key' => $key);
}


sub accept { sha1_base64("$key$guid") . '=' }


# A frame's bytes; fin => 0, rsv => bits, mask => four bytes or '' for none,
# size => another length than that of the payload, as => 126 or 127

sub frame {
    my ($op, $payload, %set) = @_;

    my $mask = $set{mask} // pack('N', int(rand(2 ** 32)));
    my $size = $set{size} // length($payload);
    my $as = $set{as} // ($size < 126 ? $size : $size < 65536 ? 126 : 127);
    my $first = ($set{fin} // 1) << 7 | ($set{rsv} // 0) << 4 | $op;
    my $head = pack('CC', $first, ($mask ne '' ? 0x80 : 0) | $as);

    $head .= pack('n', $size) if $as == 126;
    $head .= pack('Q>', $size) if $as == 127;

    my $over = $mask x (length($payload) / 4 + 1);

    return $head . $mask . ($mask eq '' ? $payload
        : "$payload" ^ substr($over, 0, length($payload)));
}


# The next frame as { op, fin, rsv, payload }, or a Pimap::Missing.  With
# {inflates} it is decompressed.

sub next {
    my ($self, $deadline) = @_;
    return $self->_next(time() + patience($deadline));
}


sub _next {
    my ($self, $end) = @_;

    $self->_wait(sub { defined $self->_size() }, $end)
        or return Pimap::Missing->new();

    my ($start, $size) = @{ $self->_size() };
    my $first = ord($self->{body});
    my %frame = (op => $first & 15, fin => $first >> 7,
        rsv => $first >> 4 & 7, payload => substr($self->{body}, $start,
            $size));

    substr($self->{body}, 0, $start + $size) = '';

    if ($self->{inflates} && $frame{rsv} == RSV1) {
        @frame{qw(rsv payload)} = (0, inflated($frame{payload}));
    }

    return \%frame;
}


# The start and the length of the first frame's payload, if it is complete.  A
# server masks nothing.

sub _size {
    my ($self) = @_;

    return if length($self->{body}) < 2;

    my ($start, $size) = (2, ord(substr($self->{body}, 1, 1)));

    die "masked by the server\n" if $size > 127;

    if ($size > 125) {
        my $n = $size == 126 ? 2 : 8;

        $start += $n;
        return if length($self->{body}) < $start;
        $size = unpack($n == 2 ? 'n' : 'Q>', substr($self->{body}, 2, $n));
    }

    return length($self->{body}) < $start + $size ? undef : [$start, $size];
}


# The next message except pings and positions, decoded, or a Pimap::Missing.
# Pings and positions come at their own times.

sub json {
    my ($self, $deadline) = @_;

    my $end = time() + patience($deadline);

    while (my $frame = $self->_next($end)) {
        return { event => "opcode $frame->{op}", %$frame }
            if $frame->{op} != TEXT;

        my $object = eval { JSON::PP->new->utf8->decode($frame->{payload}) }
            // return { event => "no JSON: $frame->{payload}" };

        return $object
            if ($object->{event} // '') !~ /^(?:ping|position)$/;
    }

    return Pimap::Missing->new();
}


# The next frame except ping events.

sub pong {
    my ($self) = @_;

    while (my $frame = $self->next()) {
        return $frame if $frame->{op} != TEXT
            || $frame->{payload} !~ /\A\{"event":"ping"/;
    }

    return Pimap::Missing->new();
}


# The server's Close as "1000 reason", after any other frames; the Close is
# answered, and then the connection must end.  "nothing" without a Close.

sub closing {
    my ($self, $deadline) = @_;

    my $end = time() + patience($deadline);

    while (my $frame = $self->_next($end)) {
        next if $frame->{op} != CLOSE;

        my ($code, $why) = unpack('na*', $frame->{payload});

        $self->send(frame(CLOSE, pack('n', $code // 1000)));
        return $self->closed() ? join(' ', $code // (), $why || ())
            : 'left open';
    }

    return $self->{eof} ? 'nothing' : 'still open';
}


# A message as a client would send it; with Z_FINISH its block is the last.

sub deflated {
    my ($text, $how) = @_;

    my $z = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15,
        -AppendOutput => 1);

    $z->deflate($text, my $out);
    $z->flush($out, $how // Z_SYNC_FLUSH);

    $out =~ s/\x00\x00\xff\xff\z// if !$how;

    return $out;
}


# The text of a message, or an error; no distance may exceed a window of the
# given number of bits.

sub inflated {
    my ($packed, $bits) = @_;

    my $z = Compress::Raw::Zlib::Inflate->new(-WindowBits => -($bits // 15),
        -AppendOutput => 1);
    my ($status, $out) = (Z_OK, '');

    # piece by piece: zlib looks back in the window, not in its output

    for my $piece (unpack('(a64)*', "$packed\x00\x00\xff\xff")) {
        $status = $z->inflate($piece, $out);
        last if $status != Z_OK && $status != Z_BUF_ERROR;
    }

    return $status == Z_OK || $status == Z_BUF_ERROR ? $out : "$status";
}


1;
