#!/usr/bin/perl

# Roundcube with its plugin, in a real browser: deliveries and the changes of
# other clients are shown at once, in all tabs, with counts and the quota.

use strict;
use warnings;
use utf8;

use List::Util qw(sum);
use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Browser;
use Pimap::Dovecot;
use Pimap::Roundcube;

my $t = Pimap->new();
my $roundcube = Pimap::Roundcube->new(t => $t,
    plugins => ['newmail_notifier'],
    config => { newmail_notifier_desktop => 1 });

$t->nginx()->{locations} .= $roundcube->locations() . $roundcube->events();

$t->plan(31);
$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, Pimap::Roundcube->quota(),
    url => 'http://127.0.0.1:' . $t->port('http') . '/publish')->start();
my $imap = $dovecot->imap();

$imap->command('SELECT INBOX');
$roundcube->start();

my $a = Pimap::Browser->start(t => $t);

# Roundcube's session may know nothing of the folder yet.

$a->size(1400, 800);
ok($roundcube->login($a, 'alice'), 'alice logs in');
deliver('first');
ok($roundcube->shows($a, 'first'), 'a delivery at once: it is shown');
ok($t->subscribed('alice'), '    the page is parked');

# In each of two tabs

my $b = $a->tab();

$b->size(1400, 800);
$b->open('http://127.0.0.1:' . $t->port('http') . '/?_task=mail');
ok($roundcube->ready($b), 'a second tab');
ok($roundcube->shows($b, 'first'), '    has the list');
ok($b->wait('rcmail.env.refresh_interval === 1800'), '    and is parked');
is(sum(values(%{ $t->status()->{devices} })), 1,
    '    by the same connection');

notifications($_) for $a, $b;

for my $n (1 .. 3) {
    my $list = join(',', (map { "mail$_" } reverse(1 .. $n)), 'first');

    deliver("mail$n");
    my $start = time();
    ok($roundcube->shows($a, $list), "delivery $n: a tab shows it");
    ok($roundcube->shows($b, $list), '    and so does the other');
    cmp_ok(time() - $start, '<', 30, '    long before a poll');
}

is($a->eval('notes.length') + $b->eval('notes.length'), 3,
    'the user is notified of each once');
ok($a->wait('rcmail.env.unread_counts.INBOX === 4'), 'the count has grown');
ok($b->wait('rcmail.env.unread_counts.INBOX === 4'), '    in both tabs');

# Changes of other clients

$imap->command('NOOP');
$imap->command('STORE 1 +FLAGS (\Seen)');
ok($roundcube->shows($_, 'mail3,mail2,mail1', 'unread'),
    'a message is read elsewhere: ' . ($_ == $a ? 'a tab' : 'the other tab')
    . ' shows it') for $a, $b;

$a->eval('rcmail.message_list.select(Object.keys('
    . 'rcmail.message_list.rows)[1])');
$imap->command('STORE 1 +FLAGS (\Deleted)');
$imap->command('EXPUNGE');
ok($roundcube->shows($a, 'mail3,mail2,mail1'), 'an expunge is shown');
ok($roundcube->shows($b, 'mail3,mail2,mail1'), '    in both tabs');
is($a->eval('rcmail.message_list.get_selection().length'), 1,
    '    the selected message stays selected');

# Another folder, whose name has a letter that is not of ASCII

my $before = quota($a);

$imap->append('Entw&APw-rfe', "Subject: draft\r\n\r\n" . 'x' x 50_000
    . "\r\n");
ok($a->wait('rcmail.env.unread_counts["Entw&APw-rfe"] === 1'),
    'a message in another folder is counted');
ok($b->wait('rcmail.env.unread_counts["Entw&APw-rfe"] === 1'),
    '    in both tabs');
ok($a->wait('Number(document.querySelector(".quota-widget .count")'
    . ".textContent.replace('%', '')) > $before + 40"),
    '    and in the quota');
ok($roundcube->shows($a, 'mail3,mail2,mail1'), '    the list is the same');

$imap->logout();

is($roundcube->errors(), '', 'no errors of PHP');
is($t->status()->{ends}{superseded}, 0, 'no tab has ended another one');
is($a->eval('rcmail.env.mailbox'), 'INBOX', 'INBOX is still open');


sub deliver {
    my ($subject) = @_;
    $dovecot->deliver(to => 'alice', subject => $subject);
}


sub quota {
    return $_[0]->eval('parseInt(document.querySelector('
        . '".quota-widget .count").textContent) || 0');
}


# In the place of what only a desktop can show

sub notifications {
    $_[0]->eval('window.notes = [], window.Notification = class {'
        . ' constructor(title) { notes.push(title); } close() {}'
        . ' static requestPermission(f) { f("granted"); } }, 1');
}
