package Pimap::Tls;

# A TLS 1.3 client whose records pass through the test: OpenSSL works in
# memory, and the test decides when and how its records are sent.
#
#     my $c = Pimap::Tls->connect($t);
#     $c->raw($c->seal($request));
#     $c->read_until(qr/.../);

use strict;
use warnings;

use Errno qw(EAGAIN EINTR);
use IO::Select;
use IO::Socket::INET;
use Net::SSLeay;
use Time::HiRes qw(time);

use Pimap::Process qw(patience);

use constant TLS1_3 => 0x0304;

Net::SSLeay::initialize();


# suite => 'TLS_AES_128_GCM_SHA256'

sub connect {
    my ($class, $t, %set) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $t->port('https'), Timeout => patience())
        or die "connect: $!\n";

    $socket->blocking(0);

    my $ctx = Net::SSLeay::CTX_new_with_method(Net::SSLeay::TLS_method());
    my $self = bless({ socket => $socket, ctx => $ctx, text => '',
        wire => '', secrets => [], labels => {} }, $class);

    Net::SSLeay::CTX_set_min_proto_version($ctx, TLS1_3);
    Net::SSLeay::CTX_set_ciphersuites($ctx, $set{suite}) if $set{suite};

    my ($secrets, $labels) = @{$self}{qw(secrets labels)};

    Net::SSLeay::CTX_set_keylog_callback($ctx, sub {
        my ($label, undef, $secret) = split(/ /, $_[1]);

        push(@$secrets, $secret);
        $labels->{$label} = pack('H*', $secret);
    });

    $self->{ssl} = Net::SSLeay::new($ctx);
    $self->{in} = Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem());
    $self->{out} = Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem());
    Net::SSLeay::set_bio($self->{ssl}, $self->{in}, $self->{out});
    Net::SSLeay::set_connect_state($self->{ssl});

    my $end = time() + patience();

    while (Net::SSLeay::do_handshake($self->{ssl}) != 1) {
        $self->raw($self->_sealed());
        $self->_receive($end) or die "handshake failed\n";
    }

    $self->raw($self->_sealed());

    return $self;
}


# The records for these bytes, which are not sent.

sub seal {
    my ($self, $bytes) = @_;

    Net::SSLeay::write($self->{ssl}, $bytes);

    return $self->_sealed();
}


sub close_notify {
    my ($self) = @_;

    Net::SSLeay::shutdown($self->{ssl});

    return $self->_sealed();
}


sub raw {
    my ($self, $bytes) = @_;

    local $SIG{PIPE} = 'IGNORE';
    return $self->{socket}->syswrite($bytes);
}


# The data received up to the end of the match, or undef.

sub read_until {
    my ($self, $re, $deadline) = @_;

    my $end = time() + patience($deadline);

    while (1) {
        while (defined(my $bytes = Net::SSLeay::read($self->{ssl}))) {
            last if $bytes eq '';
            $self->{text} .= $bytes;
        }

        $self->_errors();

        return substr($self->{text}, 0, $+[0], '') if $self->{text} =~ $re;
        return if !$self->_receive($end);
    }
}


# The lengths of the records received since the last call.

sub lengths {
    my ($self) = @_;

    my @lengths;

    while (length($self->{wire}) >= 5) {
        my $length = unpack('x3n', $self->{wire});

        last if length($self->{wire}) < 5 + $length;
        push(@lengths, $length);
        substr($self->{wire}, 0, 5 + $length, '');
    }

    return @lengths;
}


# The end by the server: "close_notify", the name of its alert, or "nothing" if
# it only closed the connection; undef if the connection is open.

sub ending {
    my ($self, $deadline) = @_;

    $self->read_until(qr/(?!)/, $deadline);

    return if !$self->{eof};
    return $self->{alert} if $self->{alert};
    return Net::SSLeay::get_shutdown($self->{ssl}) & 2 ? 'close_notify'
        : 'nothing';
}


# All secrets of the connection, in hexadecimal.

sub secrets { @{ $_[0]{secrets} } }


# A secret by its name in the key log, in bytes.

sub secret { return $_[0]{labels}{ $_[1] } }


sub close {
    my ($self) = @_;

    $self->{socket}->close();
    Net::SSLeay::free($self->{ssl});
    Net::SSLeay::CTX_free($self->{ctx});
}


sub _sealed {
    my ($self) = @_;

    my $bytes = '';

    while (my $n = Net::SSLeay::BIO_pending($self->{out})) {
        $bytes .= Net::SSLeay::BIO_read($self->{out}, $n);
    }

    return $bytes;
}


sub _errors {
    my ($self) = @_;

    while (my $code = Net::SSLeay::ERR_get_error()) {
        my $text = Net::SSLeay::ERR_error_string($code);

        $self->{alert} //= $1 if $text =~ /alert (.*)$/;
    }
}


sub _receive {
    my ($self, $end) = @_;

    my $select = IO::Select->new($self->{socket});

    while (!$self->{eof}) {
        my $n = $self->{socket}->sysread(my $bytes, 65536);

        if ($n) {
            Net::SSLeay::BIO_write($self->{in}, $bytes);
            $self->{wire} .= $bytes;
            return 1;
        }

        if (defined $n || $! != EAGAIN && $! != EINTR) {
            $self->{eof} = 1;

        } elsif (time() > $end) {
            last;

        } else {
            $select->can_read(0.1);
        }
    }

    return;
}


1;
