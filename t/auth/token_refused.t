#!/usr/bin/perl

# An invalid token gets a 401 with the reason.  The log has the reason, never
# the token.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;

my $t = Pimap->new();
my $token = Pimap::Token->new($t);
my $keys = $token->jwks('keys.json', qw(rsa ec256 ec384 secret),
    $token->jwk('rsa-384', alg => 'RS384'),
    $token->jwk('secret-short', k => 'x' x 54));
my $pem = $token->pem('rsa');

$t->nginx()->{http} = 'large_client_header_buffers 4 16k;';
$t->nginx()->{locations} = <<"END";
    pimap_login token;
    pimap_token_leeway 10s;
    pimap_token_issuer https://login.example.com;
    pimap_token_audience pimap;

    location = /events {
        pimap_token_key $keys;
        pimap_events;
    }

    location = /pem {
        pimap_token_key $pem;
        pimap_events;
    }
END

my @used;
my $now = time();
my $day = 86400;
my %ours = (sub => 'alice', iss => 'https://login.example.com',
    aud => 'pimap');

my @bad = (
    ['expired', { exp => $now - 60 }],
    ['expired', { exp => 0 }],
    ['no expiry time', { exp => undef }],
    ['a time that is not a number', { exp => "$now" }],
    ['a time that is not a number', { exp => -1 }],
    ['a time that is not a number', { exp => [] }],
    ['a time that is not a number', { nbf => 'x' }],
    ['a time that is not a number', { iat => {} }],
    ['not yet valid', { nbf => $now + 600 }],
    ['not yet valid', { iat => $now + 600 }],
    ['wrong issuer', { iss => 'https://login.example.org' }],
    ['wrong issuer', { iss => undef }],
    ['wrong issuer', { iss => ['https://login.example.com'] }],
    ['wrong audience', { aud => 'other' }],
    ['wrong audience', { aud => ['other', 7] }],
    ['wrong audience', { aud => [] }],
    ['wrong audience', { aud => undef }],
    ['no usable account', { sub => undef }],
    ['no usable account', { sub => '' }],
    ['no usable account', { sub => 7 }],
    ['no usable account', { sub => ['alice'] }],
    ['no usable account', { sub => "a\nb" }],
    ['no usable account', { sub => 'a' x 256 }],
    ['no usable account', { sub => '}b' }],
    ['longer than 8k', { x => 'x' x 8192 }],
);

my @texts = (
    ['malformed', 'x'], ['malformed', 'x.y'], ['malformed', '..'],
    ['malformed', $token->raw({ alg => 'RS256' }, \%ours, 'x') . '.x'],
    ['malformed', $token->make(rsa => \%ours) . '='],
    ['malformed', $token->make(rsa => \%ours) =~ s/.\z/!/r],
    ['malformed', $token->make(rsa => \%ours) =~ s/\./..x/r],
    ['malformed', $token->raw('{', \%ours, 'x')],
    ['malformed', $token->raw([], \%ours, 'x')],
    ['wrong signature',
        $token->raw({ alg => 'RS256' }, \%ours, 'x' x 2000)],
    ['malformed', $token->raw('{"alg":"none","alg":"RS256"}', \%ours, 'x')],
    ['malformed', $token->raw('{"alg":"HS256","kid":"a","kid":"secret"}',
        \%ours, 'x')],
    ['malformed', signed(secret => '{"sub":"a","sub":"b"}')],
    ['malformed', signed(secret => "{\"sub\":\"a\"}\0x")],
    ['malformed', signed(secret => '{"sub":"a","exp":1e400}')],
    ['malformed', signed(secret => '{"sub":"a"}{}')],
    ['malformed', signed(secret => '')],
    ['malformed', signed(secret => '["a"]')],
    ['malformed', signed(secret => "{\"sub\":\"\xff\"}")],
    ['malformed', signed(secret => '[' x 4000)],
    ['wrong signature', $token->raw({ alg => 'HS256', kid => 7 },
        \%ours, 'x')],
    map({ ['unsupported algorithm',
        $token->raw($_, { %ours, exp => $now + 60 }, '')] }
        { alg => 'none' }, { alg => 'None' }, { alg => 'NONE', typ => 'JWT' }),
    map({ ['unsupported algorithm',
        $token->raw($_, { %ours, exp => $now + 60 }, '')] }
        { alg => 'HS1' }, { alg => 'RS256 ' }, { alg => ['none'] },
        { alg => 'rs256' }, { alg => 'PS256' }, { alg => 'ES256K' },
        { alg => "RS256\0" }, {}),
    ['critical headers are not supported', $token->raw({ alg => 'RS256',
        crit => ['x'],
        x => 1 }, \%ours, 'x')],
    map({ ['unsupported type', signed(secret => $t->json({ %ours,
        exp => $now + 60 }), typ => $_)] } 'x', 'at+jwt', '', 'JWTS', "JWT\0",
        7, ['JWT'], {}),
    ['wrong audience', $token->make(secret => { %ours,
        aud => 'pimap-ticket' })],
    ['wrong signature', $token->make('rsa-other' => \%ours)],
    ['wrong signature', $token->make('ec256-other' => \%ours)],
    ['wrong signature', $token->make('secret-other' => \%ours)],
    ['wrong signature', $token->make('rsa-other' => \%ours,
        header => { kid => 'rsa' })],
    ['wrong signature', $token->raw({ alg => 'RS256' }, \%ours, '')],
    map({ ['wrong signature',
        $token->raw({ alg => 'ES256' }, \%ours, $_)] }
        '', 'x', "\0" x 64, 'x' x 64, 'x' x 96),
    ['no matching key',
        $token->make(rsa => \%ours, header => { kid => 'none' })],
    ['no matching key', $token->make(secret => \%ours,
        header => { kid => 'rsa' })],
    ['no matching key', $token->make(rsa => \%ours, alg => 'RS256',
        header => { kid => 'rsa-384' })],
    ['no matching key', $token->make(ec256 => \%ours,
        header => { kid => 'ec384' })],
    ['no matching key', $token->make(secret => \%ours, alg => 'HS512',
        header => { kid => 'secret-short' })],

    # the public key as a secret (CVE-2015-9235)
    ['no matching key', confused({ kid => 'rsa' })],
    ['wrong signature', confused({})],
);

$t->plan(3 * @bad + 3 * @texts + 4);
$t->run();

refused($_->[0], $token->make(rsa => { %ours, %{ $_->[1] } })) for @bad;
refused(@$_) for @texts;

refused('no matching key', confused({}), '/pem');

my $log = $t->log();
my @seen = grep { length($_) > 20 && index($log, $_) >= 0 }
    map { split(/\./) } @used;

is("@seen", '', 'the log has no part of a token');


sub refused {
    my ($reason, $text, $path) = @_;

    push(@used, $text);
    my $before = length($t->log());
    my $response = $t->get($path // '/events', headers => {
        Authorization => "Bearer $text" });

    is($response->{status}, 401, "$reason: refused");
    is($response->{head} =~ /\nWWW-Authenticate: (.*)\r\n/ && $1,
        'Bearer realm="pimap", error="invalid_token", '
        . "error_description=\"$reason\"", "$reason: the header");
    like(substr($t->log(), $before), qr/\[info\].*refused: \Q$reason\E,/,
        "$reason: the log");
}


sub signed {
    my ($name, $payload, %header) = @_;

    my $text = $token->raw({ alg => 'HS256', %header }, $payload);

    return $text . '.' . $token->raw(hmac_sha256($text, $token->key($name)));
}


sub confused {
    my ($header) = @_;

    my $text = $token->raw({ alg => 'HS256', %$header },
        { %ours, exp => $now + $day });

    return $text . '.' . $token->raw(hmac_sha256($text,
        $t->read_file($pem)));
}
