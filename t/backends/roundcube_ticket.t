#!/usr/bin/perl

# The tickets that Roundcube's plugin signs, and what it makes of a page's
# parameters: the page is the user's, but its input may be anything.

use strict;
use warnings;
use utf8;

use JSON::PP;
use MIME::Base64 qw(decode_base64url);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Browser;
use Pimap::Dovecot;
use Pimap::Roundcube;

my $t = Pimap->new();
my $roundcube = Pimap::Roundcube->new(t => $t, config => {
    pimap_account => '%n+%d+%u', pimap_end => 7200 });
my $key = $roundcube->key();
my $json = JSON::PP->new()->allow_nonref();

$t->nginx()->{locations} .= $roundcube->locations() . $roundcube->events();

$t->plan(29);
$t->run();
Pimap::Dovecot->new(t => $t, driver => 'none')->start();
$roundcube->start();

my $browser = Pimap::Browser->start(t => $t);

ok($roundcube->login($browser, 'alice@example.com'), 'alice logs in');
ok($t->subscribed('alice+example.com+alice@example.com'),
    'her account is as pimap_account says, the worker takes the ticket');

# The ticket

my $answer = post('plugin.pimap', '_remote=1');
my $got = eval { $json->decode($answer->{text}) } // {};
my ($head, $claims) = map { $json->decode(decode_base64url($_)) }
    (split(/\./, $got->{ticket} // 'e30.e30.'))[0, 1];

is($answer->{status}, 200, 'a ticket');
is_deeply($head, { alg => 'HS256', typ => 'JWT' }, '    a JWT');
is($claims->{aud}, 'pimap-ticket', '    for nginx');
is($claims->{sub}, 'alice+example.com+alice@example.com', '    of alice');
is($claims->{exp}, $got->{expires}, '    with its end');
cmp_ok(abs($claims->{exp} - time() - 60), '<=', 10, '    in a minute');
cmp_ok(abs($claims->{end} - time() - 7200), '<=', 10,
    '    and that of what it parks, as in pimap_end');
ok(!exists($claims->{updates}), '    for receiving only');

# The page may still be at something else.

ok($t->wait_for(sub {
    my $n = $roundcube->connections();

    post('plugin.pimap', '_remote=1');
    return $roundcube->connections() == $n;
}, 'a ticket'), '    without a login by IMAP');

is(post('plugin.pimap', '_remote=1', 'wrong')->{status}, 403,
    'without the token of the page: none');
unlike(post('plugin.pimap', '_remote=1', undef, 'omit')->{text}, qr/ticket"/,
    'without the cookies of the session: none');

# What a page asks for

my ($list, $none) = map { qr/^200 $_/s } '.*message_list\.clear',
    '(?!.*message_list\.clear)';

like(refresh({ INBOX => { list => JSON::PP::true } }), $list,
    'a folder whose messages have changed: its list');
like(refresh({ INBOX => { list => JSON::PP::false } }), $none,
    'a folder whose flags have changed: no list');
like(refresh({ INBOX => { list => 1, uid => 'x' } }), $list,
    'a UID that is none: the list');
like(refresh({ INBOX => { list => 1, uid => [] } }), $none,
    '    a UID of another type: as without the parameter');
like(refresh({ 7 => { list => 1 }, "a\r\nb" => { list => 1 } }), $none,
    'folders that do not exist: nothing of them');
like(refresh({ map { ("f$_" => { list => 1 }) } 1 .. 51 }), $none,
    'too many folders: as without the parameter');

for my $bad ('[]', '[1]', '7', '"x"', '{"INBOX":1}', '{"INBOX":', "\xff",
    '{"INBOX":{"list":{"a":{"b":1}}}}')
{
    is(post('refresh', form($bad))->{status}, 200, "_pimap=$bad: an answer");
}

# Without a key

unlink($key);
is(post('plugin.pimap', '_remote=1')->{status}, 503, 'no key: no ticket');
like($roundcube->errors(), qr/no ticket: pimap_ticket_key "\Q$key\E" cannot/,
    '    and an error that names the file');


sub form {
    my ($pimap) = @_;

    my $encoded = $pimap =~ s/([^\w])/sprintf('%%%02X', ord($1))/ger;

    return "_remote=1&_mbox=INBOX&_folderlist=1&_list=1&_quota=1&_uids="
        . "&_pimap=$encoded";
}


sub refresh {
    my ($asked) = @_;

    my $answer = post('refresh', form($json->encode($asked)));

    return "$answer->{status} $answer->{text}";
}


# A request as the page's: its status and text

sub post {
    my ($action, $body, $token, $credentials) = @_;

    $token = $token ? "'$token'" : 'rcmail.env.request_token';
    $credentials //= 'include';

    return $browser->eval("fetch(rcmail.url('$action'), { method: 'POST',"
        . " credentials: '$credentials', body: "
        . $json->ascii()->encode($body) . ", headers: {"
        . " 'X-Roundcube-Request': $token, 'Content-Type':"
        . " 'application/x-www-form-urlencoded' } }).then(async answer => ("
        . '{ status: answer.status, text: await answer.text() }))');
}
