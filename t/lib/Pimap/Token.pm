package Pimap::Token;

# Keys, made by openssl, and tokens, by a third-party implementation
# (libcrypt-jwt-perl).
#
#     my $token = Pimap::Token->new($t);
#     $token->jwks('keys.json', 'rsa');
#     $token->make(rsa => { sub => 'alice' }, header => { kid => 'rsa' });

use strict;
use warnings;

use Crypt::JWT qw(encode_jwt);
use Crypt::PK::ECC;
use Crypt::PK::RSA;
use JSON::PP;
use MIME::Base64 qw(encode_base64url);

my %make = (
    rsa => [qw(RS256 genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048)],
    ec256 => [qw(ES256 genpkey -algorithm EC -pkeyopt
        ec_paramgen_curve:P-256)],
    ec384 => [qw(ES384 genpkey -algorithm EC -pkeyopt
        ec_paramgen_curve:P-384)],
    ec521 => [qw(ES512 genpkey -algorithm EC -pkeyopt
        ec_paramgen_curve:P-521)],
);


# The key is named by its type: rsa, rsa-..., ec256, ec384, ec521, secret.

sub new {
    my ($class, $t) = @_;
    return bless({ t => $t, key => {} }, $class);
}


sub file { $_[0]{t}->dir() . "/$_[1]" }


sub key {
    my ($self, $name) = @_;

    return $self->{key}{$name} //= substr("$name-" x 64, 0, 64)
        if $name =~ /^secret/;

    return $self->{key}{$name} //= do {
        my (undef, @command) = @{ $make{ $name =~ s/-.*//r } };
        my $file = $self->file("$name.key");
        my $output = qx(openssl @command -out $file 2>&1);

        die $output if $? != 0;
        $file;
    };
}


# Files that a configuration names: PEM of the public key, a JWKS of keys.

sub pem {
    my ($self, $name) = @_;

    my $file = $self->file("$name.pub");
    my $output = qx(openssl pkey -in @{[ $self->key($name) ]} -pubout \\
        -out $file 2>&1);

    die $output if $? != 0;
    return $file;
}


sub jwk {
    my ($self, $name, %more) = @_;

    my $key = $self->key($name);

    return { kty => 'oct', k => encode_base64url($key), kid => $name, %more }
        if $name =~ /^secret/;

    my $class = $name =~ /^rsa/ ? 'Crypt::PK::RSA' : 'Crypt::PK::ECC';
    my $jwk = $class->new($key)->export_key_jwk('public', 1);

    return { %$jwk, kid => $name, %more };
}


sub jwks {
    my ($self, $file, @names) = @_;

    return $self->{t}->write_file($self->file($file), JSON::PP->new()->encode(
        { keys => [map { ref($_) ? $_ : $self->jwk($_) } @names] }));
}


# Claims, added to an expiry in ten minutes.

sub make {
    my ($self, $name, $claims, %set) = @_;

    my $key = $self->key($name);
    my $alg = $set{alg} // ($name =~ /^secret/ ? 'HS256'
        : $make{ $name =~ s/-.*//r }[0]);
    my %claims = (exp => time() + 600, iat => time(), %{ $claims // {} });

    delete @claims{grep { !defined($claims{$_}) } keys(%claims)};

    return encode_jwt(alg => $alg,
        payload => $set{payload} // JSON::PP->new()->utf8()->encode(\%claims),
        key => $name =~ /^secret/ ? $key : \$self->{t}->read_file($key),
        allow_none => 1,
        extra_headers => $set{header} // {});
}


# Of any parts: references are encoded as JSON.

sub raw {
    my ($self, @parts) = @_;

    return join('.', map { encode_base64url(ref($_)
        ? JSON::PP->new()->utf8()->encode($_) : $_) } @parts);
}


# As for make(): the header of a request.

sub bearer {
    my ($self, @set) = @_;
    return { Authorization => 'Bearer ' . $self->make(@set) };
}


# Of a token that was issued a minute ago, or at a given time.

sub issued {
    my ($self, $account, $iat) = @_;

    return $self->bearer(secret => { sub => $account,
        iat => $iat // int(time()) - 60 });
}


# A WebSocket of /token with it.

sub device {
    my ($self, $account, $query) = @_;

    return $self->{t}->websocket($account, path => '/token', query => $query,
        headers => $self->issued($account));
}


1;
