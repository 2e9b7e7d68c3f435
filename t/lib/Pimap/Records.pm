package Pimap::Records;

# Seals TLS 1.3 records of any content (RFC 8446, section 5.2), as the client
# of a Pimap::Tls, because OpenSSL would never send such records.
#
#     my $records = Pimap::Records->new($tls, $suite, 1);
#     $tls->raw($records->seal(HANDSHAKE, $bytes));

use strict;
use warnings;

use Crypt::AuthEnc::ChaCha20Poly1305 qw(chacha20poly1305_encrypt_authenticate);
use Crypt::AuthEnc::GCM qw(gcm_encrypt_authenticate);
use Crypt::KeyDerivation qw(hkdf_expand);
use Exporter qw(import);

use constant { ALERT => 21, HANDSHAKE => 22, DATA => 23 };

our @EXPORT_OK = qw(ALERT HANDSHAKE DATA);

my %suites = (
    TLS_AES_128_GCM_SHA256 => ['SHA256', 16, \&_gcm],
    TLS_AES_256_GCM_SHA384 => ['SHA384', 32, \&_gcm],
    TLS_CHACHA20_POLY1305_SHA256 => ['SHA256', 32, \&_chacha],
);


# Continues after the given number of records with application data.

sub new {
    my ($class, $tls, $suite, $sequence) = @_;

    my $self = bless({ suite => $suites{$suite} }, $class);

    $self->_secret($tls->secret('CLIENT_TRAFFIC_SECRET_0'));
    $self->{sequence} = $sequence;

    return $self;
}


sub suites { return sort(keys(%suites)) }


sub seal {
    my ($self, $type, $content, $padding) = @_;

    my $plain = $content . chr($type) . "\0" x ($padding // 0);
    my $head = pack('Cnn', 23, 0x0303, length($plain) + 16);

    my $nonce = $self->{iv} ^ pack('x4Q>', $self->{sequence}++);

    return $head . join('', $self->{suite}[2]->($self->{key}, $nonce, $head,
        $plain));
}


# Requests the peer's key update if 1; later records use the new key.

sub key_update {
    my ($self, $request) = @_;

    my $record = $self->seal(HANDSHAKE, pack('CCnC', 24, 0, 1, $request));

    $self->_secret($self->_expand('traffic upd', length($self->{secret})));

    return $record;
}


sub _secret {
    my ($self, $secret) = @_;

    $self->{secret} = $secret;
    $self->{key} = $self->_expand('key', $self->{suite}[1]);
    $self->{iv} = $self->_expand('iv', 12);
    $self->{sequence} = 0;
}


# HKDF-Expand-Label, RFC 8446, section 7.1

sub _expand {
    my ($self, $label, $length) = @_;

    return hkdf_expand($self->{secret}, $self->{suite}[0], $length,
        pack('nC/aC', $length, "tls13 $label", 0));
}


sub _gcm {
    my ($key, $nonce, $head, $plain) = @_;
    return gcm_encrypt_authenticate('AES', $key, $nonce, $head, $plain);
}


sub _chacha {
    my ($key, $nonce, $head, $plain) = @_;
    return chacha20poly1305_encrypt_authenticate($key, $nonce, $head, $plain);
}


1;
