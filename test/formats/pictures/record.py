"""Records what PyTorch and Pillow make of small pictures, for image.test.ts. usage: python record.py, in this folder (torch, pillow)."""
import torch, json, torch.nn.functional as F
from PIL import Image
H,W=9,13
v=[[[ (37*x*x+59*y*x+83*y+29*c*x) % 256 for c in range(3)] for x in range(W)] for y in range(H)]
t=torch.tensor(v,dtype=torch.float64).permute(2,0,1)[None]
out=[]
for mode,aa in (("bilinear",False),("bilinear",True),("nearest-exact",False)):
  for size in ((4,5),(9,13),(16,20),(5,20),(1,1)):
    kw={} if mode!="bilinear" else dict(align_corners=False,antialias=aa)
    r=F.interpolate(t,size=size,mode=mode,**kw)
    out.append({"resize":"nearest" if mode!="bilinear" else "bilinear","antialias":aa,"size":list(size),"rgb":[round(z,9) for z in r.flatten().tolist()]})
json.dump(out,open("resize.json","w"))
# pictures
D=""
def pic(mode):
  im=Image.new(mode,(20,12))
  for y in range(12):
    for x in range(20):
      p=(min(255,12*x),min(255,20*y),min(255,6*(x+y)))
      im.putpixel((x,y), p if mode=="RGB" else p[0] if mode=="L" else p+(30,))
  return im
pic("RGB").save(D+"colour.jpg",quality=95,subsampling=0)
pic("RGB").save(D+"progressive.jpg",quality=95,subsampling=0,progressive=True)
pic("RGB").save(D+"subsampled.jpg",quality=90)
pic("L").save(D+"grey.jpg",quality=95)
pic("CMYK").save(D+"cmyk.jpg",quality=90)
ex=Image.Exif(); ex[0x0112]=6
pic("RGB").save(D+"turned.jpg",quality=95,subsampling=0,exif=ex)
exp={}
for n in ("colour","progressive","subsampled","grey","turned"):
  im=Image.open(D+n+".jpg"); exp[n]=list(im.tobytes())
  print(n, im.size, im.mode)
json.dump(exp,open(D+"expected.json","w"),separators=(",",":"))
