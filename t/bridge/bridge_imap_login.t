#!/usr/bin/perl

# Login to an IMAP server: mechanisms, a master user, STARTTLS and IMAPS with
# verified certificates, and the cases in which no password may be sent.

use strict;
use warnings;

use MIME::Base64;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dovecot;
use Pimap::FakeImap;
use Pimap::ImapSession;

my $t = Pimap->new();
$t->plan(64);

my ($cert) = $t->certificate();
my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none', tls => 1,
    imap => { '2.3' => 'mail_plugins = imap_zlib' }, master => 1,
    listen => '127.0.0.1, 127.0.0.2')->start();

my %imaps = (tls => 'implicit', port => $t->port('imaps'), ca => $cert,
    host => 'localhost');
my %starttls = (%imaps, tls => 'starttls', port => $t->port('imap'));

is(login(), 'NOTIFY', 'PLAIN');
is(login(%imaps), 'NOTIFY', 'IMAPS');
is(login(%imaps, host => '127.0.0.1'), 'NOTIFY', '    by address');
is(login(%starttls), 'NOTIFY', 'STARTTLS');
is(login(secret => 'wrong'), 'credentials', 'a wrong password: refused');
is(login(%imaps, ca => undef), 'tls', 'an untrusted certificate: no login');
is(login(%starttls, ca => undef), 'tls', '    the same by STARTTLS');
is(login(%imaps, host => '127.0.0.2'), 'tls',
    '    a certificate for another name: no login');
is(login(%imaps, port => $t->port('imap')), 'tls',
    'IMAPS to a port without TLS: no login');
is(login(user => 'boss', secret => 'boss', authzid => 'carol'),
    'NOTIFY', 'a master user by SASL authzid');
is(login(user => 'carol*boss', secret => 'boss'), 'NOTIFY',
    '    by the name of the user');
is(login(user => 'bridge', secret => 'wrong', authzid => 'carol'),
    'credentials', '    refused with a wrong password');

# A server that dies does not close TLS properly: it is away, not untrusted

for my $how (\%imaps, \%starttls) {
    my $s = session(%$how);
    is($s->start()->wait_ready(), 'NOTIFY', "$how->{tls}: a session is ready");
    $dovecot->kill();
    is($s->failure()->{reason}, 'away', '    the server dies: away');
    $s->stop();
    $dovecot->start();
}

# The server does not exist

is(login(port => $t->port('nobody')), 'away',
    'nothing listens on the port: away');
is(login(host => 'nowhere.invalid'), 'away',
    'the name does not resolve: away');

# A server without SASL-IR, servers with tokens, and a server with other
# mechanisms

my $fake = Pimap::FakeImap->new(t => $t)->start();
my %fake = (port => $fake->port(), login_only => \1);
my @fake = (['say', "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=OAUTHBEARER"
    . " AUTH=XOAUTH2] x\r\n"]);
my $sent = encode_base64("\0alice\0secret", '');
my $bearer = encode_base64("n,a=alice,\1auth=Bearer secret\1\1", '');
my @in = (['say', "p1 OK [CAPABILITY IMAP4rev1] in\r\n"], ['wait']);

$fake->script(@fake, ['read', 'AUTHENTICATE PLAIN\r$'], ['say', "+ \r\n"],
    ['read', "^\Q$sent\E\r\$"], @in);
is(login(%fake), 'logged in', 'PLAIN without SASL-IR');

$fake->script(@fake, ['read', 'AUTHENTICATE OAUTHBEARER\r$'],
    ['say', "+ \r\n"], ['read', "^\Q$bearer\E\r\$"], @in);
is(login(%fake, bearer => \1), 'logged in', 'OAUTHBEARER');

$fake->script(@fake, ['read', 'AUTHENTICATE OAUTHBEARER\r$'],
    ['say', "+ \r\n"], ['read', '^' . quotemeta(encode_base64(
        "n,a=a=2Cb=3D2C,\1auth=Bearer secret\1\1", '')) . '\r$'], @in);
is(login(%fake, bearer => \1, user => 'a,b=2C'), 'logged in',
    '    a comma and an equals sign in the name: escaped');

$fake->script(@fake, ['wait']);
is(login(%fake, bearer => \1, user => "alice\1auth=Bearer x"), 'credentials',
    '    a control character in the name: not sent');

$fake->script(@fake, ['read'], ['say', "+ \r\n"], ['read'],
    ['say', "+ eyJzdGF0dXMiOiI0MDEifQ==\r\n"], ['read', '^AQ==\r$'],
    ['say', "p1 NO expired\r\n"]);
is(login(%fake, bearer => \1), 'credentials',
    '    refused with a reason: credentials');

$fake->script(
    ['say', "* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] x\r\n"],
    ['read', 'AUTHENTICATE XOAUTH2 '
    . quotemeta(encode_base64("user=alice\1auth=Bearer secret\1\1", ''))
    . '\r$'], @in);
is(login(%fake, bearer => \1), 'logged in', 'XOAUTH2 with SASL-IR');

$fake->script(['say', "* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] x\r\n"],
    ['read', 'AUTHENTICATE XOAUTH2\r$'], ['say', "+ \r\n"], ['read'],
    ['say', "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"], ['read', '^\r$'],
    ['say', "p1 BAD Invalid SASL argument\r\n"]);
is(login(%fake, bearer => \1), 'credentials',
    '    refused with a reason, then BAD: credentials');

$fake->script(['say', "* OK [CAPABILITY IMAP4rev1] x\r\n"],
    ['read', 'LOGIN "alice" "sec\\\\"r et"\r$'], @in);
is(login(%fake, secret => 'sec"r et'), 'logged in', 'LOGIN, quoted');

$fake->script(['say', "* OK [CAPABILITY IMAP4rev1] x\r\n"],
    ['read', 'LOGIN "alice" \{4\}\r$'], ['say', "+ go\r\n"],
    ['read', "^p\xc3\xa4s\r\$"], @in);
is(login(%fake, secret => "p\xe4s"), 'logged in', '    LOGIN with a literal');

# A refusal: of the password, or for the moment.  Its words are in the log.

for (['credentials', 'NO no'],
    ['credentials', 'NO [AUTHENTICATIONFAILED] Too many failures'],
    ['credentials', 'NO [ALERT] Invalid credentials (Failure)'],
    ['credentials', 'NO [EXPIRED] Try again with another one'],
    ['credentials', 'NO The password is wrong, or the system unavailable'],
    ['away', 'NO [UNAVAILABLE] later'],
    ['away', 'NO [ALERT] Too many simultaneous connections. (Failure)'],
    ['away', 'NO [INUSE] x'], ['limit', 'NO [LIMIT] x'],
    ['away', 'NO [OVERQUOTA] x'], ['away', 'NO [THROTTLED] x'],
    ['away', 'NO [SYS/TEMP] x'], ['away', 'NO Server Unavailable. 15'],
    ['tls', 'NO [PRIVACYREQUIRED] x'], ['protocol', 'BAD what'])
{
    my ($reason, $answer) = @$_;

    $fake->script(['say', "* OK [CAPABILITY IMAP4rev1] x\r\n"],
        ['read', 'LOGIN'], ['say', "TAG $answer\r\n"], ['wait']);
    my $failure = session(%fake)->start()->failure();
    is($failure->{reason}, $reason, "the server refuses a login: $answer");
    like($failure->{why}, qr/: \Q$answer\E$/, '    its words are the reason');
}

$fake->script(['say', "* OK [CAPABILITY IMAP4rev1] x\r\n"],
    ['read', 'LOGIN'], ['say', 'TAG BAD LOGIN "alice" "secret"' . "\r\n"],
    ['wait']);
unlike(session(%fake)->start()->failure()->{why}, qr/secret/,
    '    but not the password, if the server repeats it');

$fake->script(['say', "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] x\r\n"],
    ['wait']);
is(login(%fake), 'tls', 'LOGINDISABLED: no login');

$fake->script(['say', "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] x\r\n"],
    ['wait']);
is(login(%fake, tls => 'starttls'), 'tls',
    'STARTTLS is not offered: no password is sent');

$fake->script(['say', "* OK [CAPABILITY IMAP4rev1 STARTTLS] x\r\n"],
    ['read', 'STARTTLS'], ['say', "TAG OK go\r\n* OK injected\r\n"],
    ['wait']);
like(login(%fake, tls => 'starttls'), qr/^(?:protocol|tls)$/,
    'the server sends bytes before TLS: no login');

$fake->stop();
$dovecot->stop();

like($dovecot->log(), qr/(?:Login|Logged in): user=<alice>/,
    'Dovecot saw the login of alice');
unlike($t->read_file($t->dir() . '/report.imap_driver'), qr/secret/,
    'no secret is in the output');
is($t->read_file($t->dir() . '/fakeimap.out'), '',
    'the fake server reports no error');


sub session { Pimap::ImapSession->new(t => $t, port => $t->port('imap'), @_) }


# How the session watches, "logged in", or the reason of the failure.

sub login {
    my (%set) = @_;

    my $s = session(%set)->start();
    my $line = $s->line(sub { $_[0]{what} =~ ($set{login_only}
        ? qr/^(?:logged_in|failed)$/ : qr/^(?:ready|failed)$/) });

    $s->stop();

    return !$line ? undef : $line->{how} // $line->{reason} // 'logged in';
}
