#!/usr/bin/perl

# Files of keys: PEM, certificates and JWKS, several of them; the token's "kid"
# chooses the key, and a reload reads the files again.  "nginx -t" refuses bad
# files, and logins that cannot work, with the reason.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;

my $t = Pimap->new(workers => 2);
my $check = Pimap->new(bare => 1, mode => '', allow => qr/\[emerg\]/);
my $token = Pimap::Token->new($t);
my %file;

my ($cert) = $t->certificate();
my $rsa = $token->jwk('rsa');
my $ec = $token->jwk('ec256');
my $pem = $t->read_file($token->pem('rsa'));
my $ec_pem = $t->read_file($token->pem('ec256'));

# the text of a file, the error message
my @files = (
    ['', qr/neither a JWKS nor PEM/],
    ['hello', qr/neither a JWKS nor PEM/],
    ["\0" x 100, qr/neither a JWKS nor PEM/],
    ['x' x 65_537, qr/larger than 64k/],
    ['{', qr/malformed JSON/],
    ['{"keys":[],"keys":[]}', qr/malformed JSON/],
    ['{"keys":{}}', qr/"keys" is not an array/],
    ['{"keys":[]}', qr/no key that can verify/],
    ['{}', qr/a key has no "kty"/],
    ['{"keys":[7]}', qr/a key has no "kty"/],
    [{ kty => 7 }, qr/a key has no "kty"/],
    [{ kty => 'OKP', crv => 'Ed25519', x => 'x' }, qr/no key that can verify/],
    [{ %$rsa, use => 'enc' }, qr/no key that can verify/],
    [{ %$rsa, use => 7 }, qr/no key that can verify/],
    [{ kty => 'oct' }, qr/no valid "k"/],
    [{ kty => 'oct', k => '!' }, qr/no valid "k"/],
    [{ kty => 'oct', k => 'x' x 40 }, qr/a secret has less than 32 bytes/],
    [{ kty => 'oct', k => 'x' x 60, kid => 7 }, qr/"kid" .* not a string/],
    [{ kty => 'RSA' }, qr/no valid "n" and "e"/],
    [{ %$rsa, n => 7 }, qr/no valid "n" and "e"/],
    [{ %$rsa, n => 'xxxx' }, qr/has less than 2048 bits/],
    [{ %$rsa, e => '' }, qr/no valid "n" and "e"/],
    [{ %$rsa, kid => [] }, qr/"kid" or "alg" is not a string/],
    [{ %$rsa, alg => 7 }, qr/"kid" or "alg" is not a string/],
    [{ %$rsa, d => 'x' }, qr/has a private key/],
    [{ %$ec, crv => 'secp256k1' }, qr/needs the curve/],
    [{ %$ec, crv => 'P-384' }, qr/no valid "x" and "y"/],
    [{ %$ec, x => 'x' }, qr/no valid "x" and "y"/],
    [{ %$ec, y => $ec->{x} }, qr/OpenSSL rejects a key/],
    [{ %$ec, d => 'x' }, qr/has a private key/],
    [$t->read_file($token->key('rsa')), qr/has a private key/],
    [$pem =~ s/A/B/gr, qr/malformed PEM/],
    [substr($pem, 0, 200), qr/malformed PEM/],
    [$pem . substr($pem, 0, 200), qr/malformed PEM/],
    [pem('PUBLIC KEY', 'x'), qr/malformed PEM/],
    [pem('CERTIFICATE', 'x'), qr/malformed PEM/],
    [pem('X509 CRL', 'x'), qr/neither a public key nor a certificate/],
    [made('RSA -pkeyopt rsa_keygen_bits:1024'), qr/less than 2048 bits/],
    [made('EC -pkeyopt ec_paramgen_curve:secp256k1'), qr/needs the curve/],
    [made('ED25519'), qr/neither RSA nor EC/],
    [$pem x 65, qr/more than 64 keys|larger than 64k/],
);

my @good = ($pem, $ec_pem, "$pem\n$ec_pem", "# a comment\n$pem",
    $t->read_file($cert), scalar(qx(openssl rsa -RSAPublicKey_out \\
        -in @{[ $token->key('rsa') ]} 2>/dev/null)),
    "\n { \"keys\": [ @{[ $t->json($rsa) ]}, { \"kty\": \"OKP\" } ] }",
    $t->json($ec));

my $key = 'pimap_token_key ' . $token->pem('rsa') . ';';
my $short = $t->write_file($t->dir() . '/short', 'x' x 31);

my @wrong = (
    ['pimap_login token; pimap_events;', qr/token" needs "pimap_token_key"/],
    ['pimap_login token; pimap_ticket;', qr/token" needs "pimap_token_key"/],
    map({ ["pimap_login nginx ticket; $_;",
        qr/"pimap_login ticket" has no effect in .*:\d+ without "pimap_ev/] }
        qw(pimap_ticket pimap_update)),
    ['pimap_login ticket; location /x { pimap_ticket; }',
        qr/"pimap_login ticket" alone works only in locations/],
    ['pimap_login other;', qr{"pimap_login" is "other", but must be "nginx"}],
    ['pimap_login;', qr/invalid number of arguments/],
    ['pimap_token_key none.pem;', qr/open\(\) ".*none\.pem" failed/],
    ['pimap_token_key /;', qr/read\(\) "\/" failed/],
    [$key =~ s/;/ id=x;/r, qr/invalid parameter "id=x"/],
    [$key =~ s/;/ kid=;/r, qr/invalid parameter "kid="/],
    ["pimap_token_key keys.json kid=x;", qr/not for a JWKS/],
    ['pimap_token_leeway 2h;', qr/must be 1h at most/],
    ['pimap_token_claim "";', qr/must not be empty/],
    ['pimap_ticket_time 0;', qr/must be between 1s and 1d/],
    ['pimap_ticket_time 2d;', qr/must be between 1s and 1d/],
    ["pimap_ticket_key $short;", qr/the secret has less than 32 bytes/],
    ['pimap_ticket_key none;', qr/open\(\) ".*none" failed/],
    ['pimap_events; pimap_ticket;', qr/stands with another/],
    map({ ["$_ x; $_ y;", qr/"$_" directive is duplicate/] }
        map { "pimap_token_$_" } qw(issuer audience claim device_claim
            types_claim)),
    map({ ["$_; $_;", qr/"\w+" directive is duplicate/] }
        'pimap_token_leeway 1s', 'pimap_ticket_time 1s'),
);

$t->plan(@good + 2 * @files + 2 * @wrong + 14);

for (@good) {
    my ($ok, $output) = try($_);
    ok($ok, 'good: ' . name($_)) or diag($output);
}

for (@files) {
    my ($text, $reason) = @$_;
    my ($ok, $output) = try(ref($text) ? $t->json($text) : $text);

    ok(!$ok, 'bad: ' . name(ref($text) ? $t->json($text) : $text));
    like($output, qr/key file "\S+": .*$reason/, '    with the reason');
}

$check->write_file($check->dir() . '/keys.json', $t->json($rsa));

for (@wrong) {
    my ($ok, $output) = conf($_->[0]);

    ok(!$ok, "bad: $_->[0]");
    like($output, $_->[1], '    with the reason');
}

ok((conf("pimap_login nginx token ticket; $key
    location /x { pimap_ticket; }"))[0],
    'pimap_ticket may inherit a login by ticket');
ok((conf('pimap_login token; pimap_publish;'))[0],
    'a location without a login needs no key');

# which key checks a token

$t->write_file($t->dir() . '/first.json', $t->json({ keys => [$rsa, $ec] }));
my $second = $token->pem('rsa-second');

$t->nginx()->{locations} = <<"END";
    location = /events {
        pimap_login token;
        pimap_token_key @{[ $t->dir() ]}/first.json;
        pimap_token_key $second kid=second;
        pimap_events;
    }
END

$t->run();

is(park('rsa', 'rsa'), 200, 'a token names its key');
is(park('rsa-second', 'second'), 200, '    a key of another file');
is(park('ec256', 'ec256'), 200, '    a key of another type');
is(park('rsa-second'), 200, 'a token names no key: all keys are tried');
is(park('rsa-second', 'rsa'), 401, 'a token names the wrong key');
is(park('rsa', 'unknown'), 401, 'a token names an unknown key');

# a new key

my $jwk = $token->jwk('rsa-third', kid => 'rsa');
$t->write_file($t->dir() . '/first.json', $t->json({ keys => [$jwk] }));

is(park('rsa', 'rsa'), 200, 'before a reload, the old key is valid');
ok($t->reload(), 'a reload');
is(park('rsa', 'rsa'), 401, 'after a reload, the old key is refused');
is(park('rsa-third', 'rsa'), 200, 'after a reload, the new key is valid');

# a bad file: the reload fails, and the keys stay as they are

$t->allow(qr/\[emerg\].*malformed JSON/);
$t->write_file($t->dir() . '/first.json', '{');
kill('HUP', $t->nginx()->pid());
ok($t->wait_for(sub { $t->log() =~ /malformed JSON/ }),
    'a reload with a bad file fails');
is(park('rsa-third', 'rsa'), 200, '    the old keys stay valid');


sub park {
    my ($name, $id) = @_;

    return $t->request(HEAD => '/events', headers => $token->bearer($name =>
        { sub => 'alice' }, header => { $id ? (kid => $id) : () }))->status();
}


sub conf {
    my ($text) = @_;

    my $nginx = $check->nginx();

    $nginx->{http} = 'pimap_redis redis://127.0.0.1;';
    $nginx->{locations} = "location / { $text }";

    return $nginx->check();
}


sub try {
    my ($text) = @_;

    my $file = $check->write_file($check->dir() . '/keys', $text);

    return conf("pimap_login token; pimap_token_key $file; pimap_events;");
}


sub name { substr($_[0] =~ s/[^ -~]/./gr, 0, 60) }


sub pem {
    my ($name, $bytes) = @_;

    return "-----BEGIN $name-----\n" . encode_base64($bytes)
        . "-----END $name-----\n";
}


sub made {
    return scalar(qx(openssl genpkey -algorithm $_[0] 2>/dev/null \\
        | openssl pkey -pubout));
}
