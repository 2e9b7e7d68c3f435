#!/usr/bin/perl

# The package pimap-client: its size, its files, and its types.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Temp;
use JSON::PP;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

# Minified and compressed by gzip -9
my $max = 5000;

my $package = abs_path('../integrations/js');
my $bin = abs_path('../build/npm/node_modules/.bin') // die "run misc/deps\n";
my $dir = File::Temp->newdir('pimap_XXXXXX', TMPDIR => 1);
my $json = JSON::PP->new()->utf8();

plan(tests => 10);

# Size

my $bundle = "$bin/esbuild $package/pimap-client.js --bundle --minify"
    . ' --format=esm';
my $size = `$bundle 2>$dir/esbuild | gzip -9 | wc -c`;

cmp_ok($size, '>', 2000, 'it is bundled and minified')
    or diag(`cat $dir/esbuild`);
cmp_ok($size, '<=', $max, "    and has at most $max bytes: $size");

# Files: what npm would publish is installed, and imported by its name.

my ($pack) = @{ $json->decode(scalar(
    `cd $dir && npm pack --offline --json $package 2>$dir/npm`)) };

is(join(' ', sort(map { $_->{path} } @{ $pack->{files} })),
    join(' ', sort(map { s{.*/}{}r } glob("$package/*"))),
    'npm pack: the files of the directory');
is(join(' ', @$pack{qw(name)}), 'pimap-client', '    under its name');
is(system("cd $dir && npm install --offline --no-audit --no-fund"
    . " ./$pack->{filename} >>$dir/npm 2>&1"), 0, '    it is installed')
    or diag(`cat $dir/npm`);

write_file('program.mjs', <<'END');
import { Pimap, PimapError, PimapEvent } from 'pimap-client';
console.log([Pimap, PimapError, PimapEvent].map((c) => c.name.length > 0)
    .join(), new Pimap('http://localhost/events').state);
process.exit();
END
is(`cd $dir && node program.mjs 2>&1`, "true,true,true connecting\n",
    '    and imported');

# Types

write_file('good.ts', <<'END');
import { Pimap, PimapError, type Result } from 'pimap-client';

const pimap: Pimap = new Pimap('/pimap/events', {
    token: async () => 'x', ticket: '/pimap/ticket', events: ['MessageNew'],
    transports: ['stream', 'poll'], share: 'alice', hidden: 60 });

pimap.addEventListener('resync', ({ data }) => {
    const reason: 'start' | string = data.reason;
    console.log(reason);
});
pimap.addEventListener('retry', ({ data }) => {
    const pause: number | undefined = data.pause;
    console.log(pause, data instanceof PimapError);
});
pimap.addEventListener('MessageNew', (event) => console.log(event.data.uid));

const result: Promise<Result> = pimap.update({ update: 'store', uids: '7' });

result.then(({ status }) => console.log(status, pimap.state === 'parked'));
END
is(types('good.ts'), '', 'types: a program that is right');

# Node's own types have these, and no others of a page.

write_file('node.d.ts', <<'END');
declare class Event { constructor(type: string); readonly type: string }
declare class EventTarget {
    addEventListener(type: string, listener: ((event: Event) => void)
        | { handleEvent(event: Event): void } | null,
        options?: boolean | { once?: boolean; signal?: AbortSignal }): void;
    removeEventListener(type: string, listener: ((event: Event) => void)
        | { handleEvent(event: Event): void } | null): void;
}
declare class AbortSignal {}
declare function fetch(url: string): Promise<object>;
declare const console: { log(...given: unknown[]): void };
END
is(types('good.ts node.d.ts', 'es2022'), '', '    without those of a page');

write_file('wrong.ts', <<'END');
import { Pimap } from 'pimap-client';
new Pimap('/pimap/events', { transports: ['carrier pigeon'] });
END
like(types('wrong.ts'), qr/carrier pigeon/, '    another transport');

write_file('wrong.ts', <<'END');
import { Pimap } from 'pimap-client';
new Pimap('/pimap/events').update({ mailbox: 'INBOX' });
END
like(types('wrong.ts'), qr/'update' is missing/, '    an update with no verb');


sub types {
    my ($files, $lib) = @_;

    $lib //= 'es2022,dom';

    return scalar(`cd $dir && $bin/tsc --noEmit --strict --target es2022 \\
        --module nodenext --lib $lib $files 2>&1`);
}


sub write_file {
    my ($name, $text) = @_;

    open(my $fh, '>', "$dir/$name") or die "$name: $!\n";
    print $fh $text;
    close($fh) or die "$name: $!\n";
}
